"""Makes the capture of a test anew, with the test's own client and the recording proxy."""

from __future__ import annotations

import asyncio
import inspect
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from capture.errors import UnwritableOutput
from capture.format.reader import read_capture
from capture.recording_process import recording
from replay.errors import ReplayError
from replay.planning import plan_from_capture
from replay.target import Target


async def record(client: Callable[[str], Any], target: Target, out: Path) -> None:
    """Let the client talk to the target through the proxy; then, and only then, replace `out`.

    The client is called with the URL to connect to, and awaited if it is a coroutine function.
    Raises CaptureError, ReplayError, and what the client raises.
    """
    partial = out.with_name(f".{out.name}.{os.getpid()}.partial")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnwritableOutput(f"cannot write {out}: {error.strerror}") from error
    try:
        async with recording(target.url, partial) as proxy:
            await _talk(client, through(target, proxy))
        _check(partial, out)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)


def through(target: Target, proxy: str) -> str:
    """Return the target's URL as it is reached through the proxy at `proxy`."""
    scheme, authority, *_ = urlsplit(proxy)
    return urlunsplit((scheme, authority, target.parts.path, target.parts.query, ""))


async def _talk(client: Callable[[str], Any], url: str) -> None:
    if inspect.iscoroutinefunction(client):
        await client(url)
    else:
        await asyncio.to_thread(client, url)


def _check(partial: Path, out: Path) -> None:
    try:
        plan_from_capture(read_capture(partial))
    except ReplayError as error:
        raise ReplayError(f"the recording for {out} cannot be replayed: {error}") from error
