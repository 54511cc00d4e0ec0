"""What the relay saw, waiting to be decoded and written in slices that do not hold it up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from capture.clock import NowNs
from capture.errors import UnwritableOutput
from capture.format.writer import CaptureWriter

# What is past either bound is decoded at once: the relay then waits, and nothing is lost.
MAX_QUEUED_BYTES = 4 << 20
MAX_QUEUED_NS = 40_000_000
# More than this is written in between: a larger buffer no longer fits the processor's cache.
MAX_UNWRITTEN_BYTES = 128 << 10


class CopyQueue:
    """The queue between the relay and the recorder.

    `failed` resolves with the error that ends the recording, such as a full disk; from then on
    nothing more is recorded, and its owner ends the proxy.
    """

    def __init__(self, writer: CaptureWriter, now_ns: NowNs, failed: asyncio.Future[None]) -> None:
        self.failed = failed
        self._writer = writer
        self._now_ns = now_ns
        self._queue: deque[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = deque()
        self._queued_bytes = 0
        self._unwritten_bytes = 0

    def add(self, at_ns: int, size: int, act: Callable[..., None], *arguments: object) -> None:
        """Queue `act(*arguments)`; `size` is the bytes it holds."""
        queue = self._queue
        queue.append((at_ns, size, act, arguments))
        self._queued_bytes += size
        while queue and (
            self._queued_bytes > MAX_QUEUED_BYTES or at_ns - queue[0][0] > MAX_QUEUED_NS
        ):
            self._act()

    def drain(self, slice_ns: int | None) -> bool:
        """Decode what is queued, for about `slice_ns` or to the end; return whether all was."""
        queue, now_ns = self._queue, self._now_ns
        stop_ns = None if slice_ns is None else now_ns() + slice_ns
        while queue:
            self._act()
            if stop_ns is not None and now_ns() >= stop_ns:
                break
        return not queue

    def _act(self) -> None:
        """Decode the oldest entry."""
        _, size, act, arguments = self._queue.popleft()
        self._queued_bytes -= size
        if self.failed.done():
            return
        try:
            act(*arguments)
        except Exception as error:  # a recording that cannot go on must say so, whatever it is
            self.failed.set_exception(error)
            return
        self._unwritten_bytes += size
        if self._unwritten_bytes > MAX_UNWRITTEN_BYTES:
            self.write()

    def flush(self) -> None:
        """Decode everything and hand it to the operating system."""
        self.drain(None)
        self.write()

    def write(self) -> None:
        """Hand what is decoded to the operating system."""
        self._unwritten_bytes = 0
        try:
            self._writer.flush()
        except UnwritableOutput as error:
            if not self.failed.done():
                self.failed.set_exception(error)
