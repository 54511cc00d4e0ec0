"""A run as checks look at it: what was said on each connection, and how much the server owed.

A perturbation changes what may be expected: a client that left early is owed less. What is owed
follows from the run itself, from who ended a connection and when, unless the caller knows better.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture.format.model import Capture, Direction, Event, Frame, Gap, Side, TcpClose
from capture.message_kind import message_kind
from capture.messages import Message, messages

# socket.io and engine.io put digits before their JSON.
_PREFIX = re.compile(r"\d*(?=[\[{])")


@dataclass(frozen=True, slots=True)
class Said:
    """One message of either side. `value` is its JSON, or its text where it is none."""

    connection: str
    direction: Direction
    index: int
    at_ns: int
    since_start_ns: int
    kind: str
    text: str
    value: Any

    @property
    def is_of_client(self) -> bool:
        """Whether the client sent it."""
        return self.direction is Direction.CLIENT_TO_SERVER

    def __str__(self) -> str:
        """Name the message as a person finds it again in `deadheat show`."""
        return (
            f"message {self.index} of the {self.direction.sender} "
            f"({self.kind}) at {milliseconds(self.since_start_ns)}"
        )


@dataclass(frozen=True, slots=True)
class OwedUntil:
    """How long a server owes something to the client of one connection.

    After `until_ns` it owes nothing more. If the client went, what takes longer than was left is
    not owed either; if the server did (`server_ended`), everything asked before is.
    """

    until_ns: int
    server_ended: bool = False

    def covers(self, asked_at_ns: int, takes_ns: int) -> bool:
        """Whether something asked for at this time, that may take this long, had to come."""
        if asked_at_ns > self.until_ns:
            return False
        return self.server_ended or self.until_ns - asked_at_ns >= takes_ns


@dataclass(frozen=True, slots=True)
class Talk:
    """One connection. `has_gap`: the recorder lost bytes of the server."""

    connection: str
    events: tuple[Event, ...]
    messages: tuple[Said, ...]
    owed: OwedUntil
    has_gap: bool

    @property
    def sent(self) -> tuple[Said, ...]:
        """What the client said."""
        return tuple(said for said in self.messages if said.is_of_client)

    @property
    def heard(self) -> tuple[Said, ...]:
        """What the server said."""
        return tuple(said for said in self.messages if not said.is_of_client)


@dataclass(frozen=True, slots=True)
class Observed:
    """A run with what is known beside it. `log` is None where the server's log was not read."""

    run: Capture
    talks: tuple[Talk, ...]
    log: tuple[str, ...] | None
    origin_ns: int

    @classmethod
    def of(
        cls,
        run: Capture,
        log: Sequence[str] | None = None,
        owed: Mapping[str, OwedUntil] | None = None,
    ) -> Observed:
        """Look at a run; `owed` replaces, for the connections in it, what follows from the run."""
        origin_ns = run.events[0].at_ns if run.events else 0
        end_ns = run.events[-1].at_ns if run.events else 0
        known = {} if owed is None else owed
        talks = tuple(
            _talk(name, events, origin_ns, known.get(name), end_ns)
            for name, events in run.by_connection().items()
        )
        return cls(run, talks, None if log is None else tuple(log), origin_ns)

    def when(self, at_ns: int) -> str:
        """Return a time as a person reads it, counted from the first event."""
        return milliseconds(at_ns - self.origin_ns)


def milliseconds(duration_ns: int) -> str:
    """Return a time as a person reads it."""
    return f"{duration_ns / 1e6:.1f} ms"


def _talk(
    name: str, events: tuple[Event, ...], origin_ns: int, owed: OwedUntil | None, end_ns: int
) -> Talk:
    return Talk(
        connection=name,
        events=events,
        messages=tuple(_said(message, origin_ns) for message in messages(events)),
        owed=_owed(events, end_ns) if owed is None else owed,
        has_gap=any(
            isinstance(event, Gap) and event.direction is Direction.SERVER_TO_CLIENT
            for event in events
        ),
    )


def _said(message: Message, origin_ns: int) -> Said:
    text = message.text if message.is_text else ""
    return Said(
        connection=message.connection,
        direction=message.direction,
        index=message.index,
        at_ns=message.at_ns,
        since_start_ns=message.at_ns - origin_ns,
        kind=message_kind(message),
        text=text,
        value=_value(text) if message.is_text else message.payload.hex(),
    )


def _value(text: str) -> Any:  # noqa: ANN401  any JSON
    prefix = _PREFIX.match(text)
    try:
        return json.loads(text[prefix.end() if prefix else 0 :])
    except (ValueError, RecursionError):
        return text


def _owed(events: tuple[Event, ...], end_ns: int) -> OwedUntil:
    """Return what follows from who ended the connection first; else the record's end does."""
    for event in events:
        if isinstance(event, TcpClose):
            return OwedUntil(event.at_ns, event.side is Side.SERVER)
        if isinstance(event, Frame) and event.opcode == "close":
            return OwedUntil(event.at_ns, event.direction is Direction.SERVER_TO_CLIENT)
    return OwedUntil(end_ns)
