"""Events of a session that no connection could deliver, until one takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from local_staging.chat_backend.outbox import MOST_WAITING, OutboxFull

Take = Callable[[dict[str, Any]], None]


class Undelivered:
    """A queue with at most one taker: the connection that was ready last."""

    def __init__(self, most_waiting: int = MOST_WAITING) -> None:
        self._most_waiting = most_waiting
        self._waiting: deque[dict[str, Any]] = deque()
        self._take: Take | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, fields: dict[str, Any]) -> None:
        """Hand an event to the taker, or keep it. Raises OutboxFull."""
        if self._take is not None:
            self._take(fields)
        elif len(self._waiting) >= self._most_waiting:
            raise OutboxFull(f"{self._most_waiting} events wait for a connection")
        else:
            self._waiting.append(fields)

    def taken_by(self, take: Take) -> None:
        """Hand all that waits, and all that comes, to a new taker."""
        self._take = take
        while self._waiting:
            take(self._waiting.popleft())

    def left_by(self, take: Take) -> None:
        """Keep what comes, if that was the taker."""
        # Equality and not identity: a bound method is made anew each time it is looked up.
        if self._take == take:
            self._take = None
