"""The proxies that are compared, and how a user would start each."""

from __future__ import annotations

import contextlib
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.proxy.processes import free_port, running

HAPROXY = """\
global
    maxconn 4000
defaults
    mode http
    timeout connect 5s
    timeout client 30s
    timeout server 30s
    timeout tunnel 1h
"""
HAPROXY_LISTEN = """\
listen {kind}
    bind 127.0.0.1:{port}
    server echo 127.0.0.1:{upstream}
"""
HOW_TO_GET = {
    "haproxy": "haproxy is missing: install the package haproxy of your system",
    "mitmproxy": "mitmdump is missing: pip install mitmproxy (its pins may want an environment of"
    " their own; name it with --mitmdump PATH)",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """A proxy that runs for the whole benchmark: where it listens, for each kind of server."""

    ports: Mapping[str, int]
    process_id: int | None


@contextlib.contextmanager
def servers(folder: Path) -> Iterator[Standing]:
    """Run both echo servers; reached without a proxy they are the floor."""
    with contextlib.ExitStack() as stack:
        ports = {kind: free_port() for kind in ("lean", "library")}
        for kind, port in ports.items():
            command = [sys.executable, "-m", "benchmarks.proxy.echo", kind, str(port)]
            stack.enter_context(running(command, [port], folder / f"echo-{kind}.log"))
        yield Standing(ports, None)


@contextlib.contextmanager
def haproxy(folder: Path, upstreams: Mapping[str, int], executable: str) -> Iterator[Standing]:
    """Run HAProxy in HTTP mode; after the 101 it tunnels."""
    ports = {kind: free_port() for kind in upstreams}
    listens = (
        HAPROXY_LISTEN.format(kind=kind, port=ports[kind], upstream=upstream)
        for kind, upstream in upstreams.items()
    )
    config = folder / "haproxy.cfg"
    config.write_text(HAPROXY + "".join(listens))
    command = [executable, "-db", "-f", str(config)]
    with running(command, tuple(ports.values()), folder / "haproxy.log") as process_id:
        yield Standing(ports, process_id)


@contextlib.contextmanager
def mitmproxy(folder: Path, upstreams: Mapping[str, int], executable: str) -> Iterator[Standing]:
    """Run mitmdump as a reverse proxy; it keeps messages in memory and writes no file."""
    ports = {kind: free_port() for kind in upstreams}
    command = [executable, "--quiet", "--set", f"confdir={folder / 'mitmproxy'}"]
    for kind, upstream in upstreams.items():
        command += ["--mode", f"reverse:http://127.0.0.1:{upstream}@127.0.0.1:{ports[kind]}"]
    with running(command, tuple(ports.values()), folder / "mitmproxy.log") as process_id:
        yield Standing(ports, process_id)


@contextlib.contextmanager
def deadheat(folder: Path, upstream: int, capture: Path) -> Iterator[tuple[int, int]]:
    """Run `deadheat capture proxy`; yield its port and process id."""
    port = free_port()
    command = [sys.executable, "-m", "deadheat", "capture", "proxy"]
    command += ["--upstream", f"ws://127.0.0.1:{upstream}", "--listen", f"127.0.0.1:{port}"]
    command += ["--out", str(capture)]
    with running(command, [port], folder / "deadheat.log") as process_id:
        yield port, process_id


def found(name: str, asked: str | None) -> str | None:
    """Return the executable of a peer, or None after saying how to get it."""
    executable = shutil.which(asked or {"mitmproxy": "mitmdump"}.get(name, name))
    if executable is None:
        print(HOW_TO_GET[name], file=sys.stderr)
    return executable
