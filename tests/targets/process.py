"""Starts a target in a process of its own, on a free port of this machine."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from local_staging.clock import monotonic_ns
from tests.targets.target import Target

HOST = "127.0.0.1"
SERVERS = Path(__file__).parent / "servers"
START_S = 20.0
STOP_S = 5.0


def missing(target: Target) -> str:
    """Return what keeps a target from being started, or nothing."""
    if not target.is_node:
        lacking = [name for name in target.needs if find_spec(name) is None]
        return f"no {', '.join(lacking)}: pip install '.[targets]'" if lacking else ""
    if shutil.which("node") is None:
        return "no node"
    lacking = [name for name in target.needs if not (SERVERS / "node_modules" / name).is_dir()]
    return f"no {', '.join(lacking)} of Node: npm install in {SERVERS.name}" if lacking else ""


@contextmanager
def serving(target: Target, build: str, log: Path) -> Iterator[str]:
    """Start a build; yield its URL once it takes connections. What it writes goes to `log`."""
    port = _free_port()
    program = "node" if target.is_node else sys.executable
    with log.open("wb") as output:
        process = subprocess.Popen(
            [program, str(SERVERS / target.server), build, str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
    try:
        asyncio.run(_listening(process, port, log))
        yield f"ws://{HOST}:{port}"
    finally:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


async def _listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    """Wait until something listens. Raises RuntimeError."""
    deadline_ns = monotonic_ns() + round(START_S * 1e9)
    while process.poll() is None and monotonic_ns() < deadline_ns:
        try:
            _, writer = await asyncio.open_connection(HOST, port)
        except OSError:
            await asyncio.sleep(0.05)
        else:
            writer.close()
            return
    raise RuntimeError(f"the server did not start: {log.read_text()[-1000:]}")
