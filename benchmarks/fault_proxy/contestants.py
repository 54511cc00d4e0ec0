"""What is compared, each in a process of its own, and the port at which it answers."""

from __future__ import annotations

import contextlib
import sys
from pathlib import Path

from benchmarks.proxy.contestants import found
from benchmarks.proxy.processes import free_port, running

DIRECT, HAPROXY, DEADHEAT, LATE = "direct", "haproxy", "deadheat", "deadheat, late"
DELAY_MS = 10
HAPROXY_CONFIG = """\
defaults
    mode tcp
    timeout connect 5s
    timeout client 30s
    timeout server 30s
listen echo
    bind 127.0.0.1:{port}
    server echo 127.0.0.1:{upstream}
"""


def started(stack: contextlib.ExitStack, folder: Path) -> dict[str, int]:
    """Start all that there are; they end with the stack."""
    upstream, late = free_port(), f"latency:delay_ms={DELAY_MS},direction=server_to_client"
    echo = [sys.executable, "-m", "benchmarks.fault_proxy.echo", str(upstream)]
    stack.enter_context(running(echo, [upstream], folder / "echo.log"))
    ports = {DIRECT: upstream}
    if (executable := found(HAPROXY, None)) is not None:
        ports[HAPROXY] = free_port()
        config = folder / "haproxy.cfg"
        config.write_text(HAPROXY_CONFIG.format(port=ports[HAPROXY], upstream=upstream))
        command = [executable, "-db", "-f", str(config)]
        stack.enter_context(running(command, [ports[HAPROXY]], folder / "haproxy.log"))
    for name, faults in ((DEADHEAT, []), (LATE, ["--fault", late])):
        ports[name] = port = free_port()
        command = [sys.executable, "-m", "deadheat", "fault-proxy"]
        command += ["--upstream", f"127.0.0.1:{upstream}", "--listen", f"127.0.0.1:{port}"]
        stack.enter_context(running([*command, *faults], [port], folder / f"{name}.log"))
    return ports
