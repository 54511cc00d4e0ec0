"""What the relay saw, waiting to be decoded and written in slices that do not hold it up."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Any

from capture.clock import NowNs
from capture.errors import UnwritableOutput
from capture.format.writer import CaptureWriter

# Past either bound the copy is decoded at once: the relay then waits, and nothing is lost.
MAX_QUEUED_BYTES = 4 << 20
MAX_QUEUED_NS = 40_000_000


class CopyQueue:
    """The queue between the relay and the recorder.

    `failed` resolves with the error that ends the recording, such as a full disk; from then on
    the relay goes on and nothing more is recorded.
    """

    def __init__(self, writer: CaptureWriter, now_ns: NowNs, failed: asyncio.Future[None]) -> None:
        self.failed = failed
        self._writer = writer
        self._now_ns = now_ns
        self._queue: deque[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = deque()
        self._queued_bytes = 0

    def add(self, at_ns: int, size: int, act: Callable[..., None], *arguments: object) -> None:
        """Queue `act(*arguments)`; `size` is the bytes it holds."""
        self._queue.append((at_ns, size, act, arguments))
        self._queued_bytes += size
        if self._queued_bytes > MAX_QUEUED_BYTES or at_ns - self._queue[0][0] > MAX_QUEUED_NS:
            self.drain(None)

    def drain(self, slice_ns: int | None) -> bool:
        """Decode what is queued, for about `slice_ns` or to the end; return whether all was."""
        queue, now_ns = self._queue, self._now_ns
        if self.failed.done():
            queue.clear()
            return True
        stop_ns = None if slice_ns is None else now_ns() + slice_ns
        while queue:
            _, size, act, arguments = queue.popleft()
            self._queued_bytes -= size
            try:
                act(*arguments)
            except Exception as error:  # a recording that cannot go on must say so, whatever it is
                self.failed.set_exception(error)
                return True
            if stop_ns is not None and now_ns() >= stop_ns:
                break
        return not queue

    def flush(self) -> None:
        """Decode everything and hand it to the operating system."""
        self.drain(None)
        try:
            self._writer.flush()
        except UnwritableOutput as error:
            if not self.failed.done():
                self.failed.set_exception(error)
