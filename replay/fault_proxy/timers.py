"""Acts at their times, on time: one sleeper for all connections of a proxy."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from heapq import heapify, heappop, heappush
from itertools import count

from capture.clock import SPIN_NS, NowNs

SWEEP_AT = 1024


class Timer:
    """One thing to do. Once cancelled it is not done."""

    __slots__ = ("_act", "at_ns")

    def __init__(self, at_ns: int, act: Callable[[], None]) -> None:
        self.at_ns = at_ns
        self._act: Callable[[], None] | None = act

    @property
    def is_off(self) -> bool:
        """Whether it was done or cancelled."""
        return self._act is None

    def cancel(self) -> None:
        """Leave it undone."""
        self._act = None

    def act(self) -> None:
        """Do it, once."""
        act, self._act = self._act, None
        if act is not None:
            act()


class Timers:
    """Sleeps until shortly before the next time, then lets the event loop turn until it has come.

    asyncio's own timers wake up to a millisecond late, uvloop's count in milliseconds.
    """

    def __init__(self, now_ns: NowNs) -> None:
        self._now_ns = now_ns
        self._loop = asyncio.get_running_loop()
        self._heap: list[tuple[int, int, Timer]] = []
        self._order = count()
        self._sweep_at = SWEEP_AT
        self._wakes_ns: int | None = None
        self._handle: asyncio.Handle | None = None

    def at(self, at_ns: int, act: Callable[[], None]) -> Timer:
        """Do `act` at a time, never before it."""
        timer = Timer(at_ns, act)
        if len(self._heap) >= self._sweep_at:
            self._sweep()
        heappush(self._heap, (at_ns, next(self._order), timer))
        if self._wakes_ns is None or at_ns < self._wakes_ns:
            self._arm()
        return timer

    def close(self) -> None:
        """Do nothing any more."""
        self._heap.clear()
        self._arm()

    def _sweep(self) -> None:
        """Drop what was cancelled and lies too far ahead to be met soon."""
        self._heap = [entry for entry in self._heap if not entry[2].is_off]
        heapify(self._heap)
        self._sweep_at = max(SWEEP_AT, 2 * len(self._heap))

    def _arm(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
        while self._heap and self._heap[0][2].is_off:
            heappop(self._heap)
        if not self._heap:
            self._wakes_ns = self._handle = None
            return
        self._wakes_ns = self._heap[0][0]
        coarse_ns = self._wakes_ns - self._now_ns() - SPIN_NS
        if coarse_ns > 0:
            self._handle = self._loop.call_later(coarse_ns / 1e9, self._turn)
        else:
            self._handle = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        # What is added meanwhile waits for the next turn, so that sockets get theirs.
        now_ns = self._now_ns()
        due = []
        while self._heap and self._heap[0][0] <= now_ns:
            due.append(heappop(self._heap)[2])
        # Armed first: an act that fails must not stop the others for good.
        self._arm()
        for timer in due:
            timer.act()
