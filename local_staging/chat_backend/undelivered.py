"""Events of a session that no connection could deliver, until one takes them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

from local_staging.chat_backend.journal import Event, Journal, NoJournal
from local_staging.chat_backend.outbox import MOST_WAITING, OutboxFull

Take = Callable[[Event], None]


class Undelivered:
    """A queue with at most one taker: the connection that was ready last."""

    def __init__(self, journal: Journal | None = None, most_waiting: int = MOST_WAITING) -> None:
        self._journal: Journal = NoJournal() if journal is None else journal
        self._most_waiting = most_waiting
        self._waiting: deque[Event] = deque()
        self._take: Take | None = None

    def __len__(self) -> int:
        return len(self._waiting)

    async def keep(self, event: Event) -> None:
        """Have an event outlive this process until it is confirmed."""
        await self._journal.keep(event)

    def confirmed(self, events: Iterable[Event]) -> None:
        """Forget events that the client has."""
        self._journal.confirmed(events)

    def add(self, event: Event) -> None:
        """Hand an event to the taker, or let it wait. Raises OutboxFull."""
        if self._take is not None:
            self._take(event)
            return
        if len(self._waiting) >= self._most_waiting:
            raise OutboxFull(f"{self._most_waiting} events wait for a connection")
        self._waiting.append(event)
        self._journal.abandoned()

    async def fetch(self) -> None:
        """Add what other processes or earlier sessions left."""
        for event in await self._journal.kept_by_others():
            self.add(event)

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
