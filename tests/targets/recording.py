"""Records a healthy session through the tool's own proxy, as a user does."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
from pathlib import Path

from tests.staging.surroundings import DEADHEAT
from tests.targets.target import Session

SESSION_S = 30.0
END_S = 20.0


def record(session: Session, url: str, capture: Path) -> None:
    """Play a session through a recording proxy before `url`. Raises RuntimeError."""
    command = (*DEADHEAT, "capture", "proxy", "--upstream", url, "--out", str(capture))
    proxy = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert proxy.stdout is not None
        line = proxy.stdout.readline()
        if not line:
            raise RuntimeError(f"the proxy did not start: {proxy.communicate()[1]}")
        asyncio.run(asyncio.wait_for(session(json.loads(line)["listen"].rstrip("/")), SESSION_S))
        proxy.send_signal(signal.SIGINT)
        _, complaint = proxy.communicate(timeout=END_S)
    finally:
        proxy.kill()
        proxy.wait()
    if proxy.returncode:
        raise RuntimeError(f"the proxy failed: {complaint}")
