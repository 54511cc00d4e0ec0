"""The recording proxy as a person starts it: a process of its own, ended by a signal."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from capture.errors import CaptureError

START_TIMEOUT_S = 20
STOP_TIMEOUT_S = 10


@asynccontextmanager
async def recording(upstream: str, out: Path) -> AsyncIterator[str]:
    """Record what passes in between; yields the ws:// address that clients connect to.

    Raises CaptureError when the proxy does not start or fails.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "deadheat", "capture", "proxy"),
        *("--upstream", upstream, "--out", str(out)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield await _listening(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGINT)
        async with asyncio.timeout(STOP_TIMEOUT_S):
            _, complaint = await process.communicate()
        if process.returncode != 0:
            # What failed inside, such as a lost connection, is a consequence of this.
            raise CaptureError(f"the recording proxy failed: {complaint.decode().strip()}")


async def _listening(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise RuntimeError("the proxy was started without a pipe")
    async with asyncio.timeout(START_TIMEOUT_S):
        line = await process.stdout.readline()
    if not line:
        await process.wait()
        raise CaptureError("the recording proxy did not start")
    listen: str = json.loads(line)["listen"]
    return listen
