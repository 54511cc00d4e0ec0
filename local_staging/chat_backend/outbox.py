"""What one connection has to send, and what of it the client has not confirmed yet."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, replace
from typing import Any

MOST_WAITING = 1_000


class OutboxFull(Exception):
    """Nobody has taken messages for so long that no more are kept."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message; one that `outlives` the connection is of use on the next one, too."""

    fields: dict[str, Any]
    outlives: bool
    number: int = 0


class Outbox:
    """A queue from which a message goes only when it is confirmed."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._unconfirmed: deque[Waiting] = deque()
        self._unsent: deque[Waiting] = deque()
        self._added = asyncio.Event()
        self._sent = 0

    def __len__(self) -> int:
        return len(self._unconfirmed) + len(self._unsent)

    def add(self, fields: dict[str, Any], *, outlives: bool) -> None:
        """Append a message. Raises OutboxFull."""
        if len(self) >= self._most_waiting:
            raise OutboxFull(f"{self._most_waiting} messages wait to be delivered")
        self._unsent.append(Waiting(fields, outlives))
        self._added.set()

    async def next(self) -> dict[str, Any]:
        """Return the next message to send, once there is one; it waits to be confirmed."""
        while not self._unsent:
            self._added.clear()
            await self._added.wait()
        self._sent += 1
        waiting = replace(self._unsent.popleft(), number=self._sent)
        self._unconfirmed.append(waiting)
        return waiting.fields

    def confirm(self, count: int | None = None) -> list[dict[str, Any]]:
        """Drop the first `count` that were sent, or all: the client has them.

        Return those of them that would have outlived the connection.
        """
        confirmed = []
        while self._unconfirmed and (count is None or self._unconfirmed[0].number <= count):
            waiting = self._unconfirmed.popleft()
            if waiting.outlives:
                confirmed.append(waiting.fields)
        return confirmed

    def left(self) -> list[dict[str, Any]]:
        """Return, in order, what a later connection has to send, and be empty."""
        kept = [each.fields for each in (*self._unconfirmed, *self._unsent) if each.outlives]
        self._unconfirmed.clear()
        self._unsent.clear()
        return kept
