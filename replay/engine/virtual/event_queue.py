"""What an application may receive: a queue of asyncio, as far as ASGI needs one, but cheaper."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

Event = dict[str, Any]


class EventQueue:
    """Events in order; who waited first gets the first one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._events: deque[Event] = deque()
        self._waiters: deque[asyncio.Future[None]] = deque()

    def __len__(self) -> int:
        return len(self._events)

    def put(self, event: Event) -> None:
        """Add an event, and wake who waits for it."""
        self._events.append(event)
        self._wake_next()

    async def get(self) -> Event:
        """Return the first event, once there is one."""
        while not self._events:
            # Not one of the loop's own: no program gets hold of it, to put it into a set.
            waiter: asyncio.Future[None] = asyncio.Future(loop=self._loop)
            self._waiters.append(waiter)
            try:
                await waiter
            except BaseException:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
                elif self._events and not waiter.cancelled():
                    # It was woken and does not take the event: another may.
                    self._wake_next()
                raise
        return self._events.popleft()

    def _wake_next(self) -> None:
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
