"""The events of a run that something can wait for, and how they are written."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from replay.errors import PlanError


class Kind(StrEnum):
    """The kinds of events that a step can wait for."""

    START = "start"
    OPEN = "open"
    MESSAGE = "message"
    STEP = "step"
    CLOSED = "closed"

    # That of an Enum is slow, and events are looked up all the time.
    __hash__ = str.__hash__


class After(msgspec.Struct, frozen=True, order=True, cache_hash=True, gc=False):
    """An event of a run: its start, or of a connection the 101, a message, a step, or its end.

    A message is the `index`-th of the server's messages that are `called` so, or of all of them:
    what comes unasked in between would else shift the count.
    """

    kind: Kind
    connection: str = ""
    index: int = 0
    called: str = ""

    def on(self, connection: str) -> After:
        """Return the same event of another connection."""
        return After(self.kind, connection, self.index, self.called)

    def numbered(self, index: int) -> After:
        """Return the same event with another number."""
        return After(self.kind, self.connection, index, self.called)

    def __str__(self) -> str:
        if self.kind is Kind.START:
            return "start"
        if self.kind in (Kind.OPEN, Kind.CLOSED):
            return f"{self.connection} {self.kind}"
        called = f": {self.called}" if self.called else ""
        return f"{self.connection} {self.kind} {self.index}{called}"

    @classmethod
    def parse(cls, text: str) -> After:
        """Read what `str` wrote: start, c1 open, c1 message 3: type=ack, c1 step 2, c1 closed."""
        event, _, called = text.partition(": ")
        match event.split():
            case ["start"]:
                return START
            case [connection, ("open" | "closed") as kind]:
                return cls(Kind(kind), connection)
            case [connection, ("message" | "step") as kind, index] if index.isdigit():
                return cls(Kind(kind), connection, int(index), called)
        raise PlanError(
            f"after is {text!r}, expected start, c1 open, c1 message 3, c1 step 2 or c1 closed"
        )


START = After(Kind.START)
