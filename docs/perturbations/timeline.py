"""What a picture shows of a run: marks at times, as plain data that a file can hold."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from capture.format.model import (
    Capture,
    Event,
    Frame,
    Note,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)
from capture.message_kind import kind_of

CLIENT, SERVER = "client", "server"
SWITCHING_PROTOCOLS = 101
MOMENT = "moment"
STOPS, READS = "the client stopped reading", "the client reads again"
_AROUND = re.compile(
    r"(the restart command runs)|(\w+: the fault is lifted)|(\w+: \w+)(?::\S+)? is on"
)
# Sooner than that a message was read when it was sent, as far as a picture goes.
UNREAD_MS = 5.0


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that one side did, `at_ms` since the run began.

    `kind` is that of the charts of a capture. `from_ms` is when what takes time began: a frame its
    first byte, an upgrade request its TCP connection, a message that was read late its sending.
    `called` is what a message of the server is called, or what happened at a moment of all
    connections; `step` is the step of what the client did.
    """

    connection: str
    side: str
    kind: str
    at_ms: float
    from_ms: float | None = None
    step: int | None = None
    called: str = ""

    @property
    def place(self) -> tuple[str, int] | None:
        """The step that it is of; None for what is no step of the client."""
        return None if self.step is None or self.side != CLIENT else (self.connection, self.step)

    @property
    def begins_ms(self) -> float:
        """When it began, which is when it was unless it took a while."""
        return self.at_ms if self.from_ms is None else self.from_ms

    @property
    def identity(self) -> tuple[str, str, str, int, str]:
        """What it is, wherever it is in time."""
        step = -1 if self.step is None else self.step
        return self.connection, self.side, self.kind, step, self.called


@dataclass(frozen=True, slots=True)
class Unread:
    """A while in which the client did not read."""

    connection: str
    from_ms: float
    to_ms: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The marks of one run in order of time."""

    marks: tuple[Mark, ...]
    unread: tuple[Unread, ...] = ()

    @property
    def ends_ms(self) -> float:
        """When the last thing happened."""
        return max(mark.at_ms for mark in self.marks)

    def to_json(self) -> str:
        """Return a line for each mark."""
        marks = [_without_nothing(asdict(mark)) for mark in self.marks]
        unread = [asdict(each) for each in self.unread]
        lines = [
            f'  "{name}": [{",".join(f"{chr(10)}    {json.dumps(each)}" for each in all_of)}]'
            for name, all_of in (("marks", marks), ("unread", unread))
        ]
        return "{\n" + ",\n".join(lines) + "\n}\n"

    @classmethod
    def from_json(cls, text: str) -> Timeline:
        """Read what `to_json` wrote."""
        data = json.loads(text)
        return cls(
            tuple(Mark(**mark) for mark in data["marks"]),
            tuple(Unread(**each) for each in data["unread"]),
        )

    def departures(self, other: Timeline, tolerance_ms: float) -> list[str]:
        """Return what differs in another run by more than its times may: empty when none does."""
        mine, others = _by_identity(self.marks), _by_identity(other.marks)
        differences = []
        for identity in sorted({*mine, *others}):
            here, there = mine.get(identity, []), others.get(identity, [])
            if not _agree(here, there, tolerance_ms):
                named = " ".join(str(each) for each in identity)
                differences.append(f"{named}: at {_times(here)} here, at {_times(there)} there")
        if [each.connection for each in self.unread] != [each.connection for each in other.unread]:
            differences.append("not read on other connections")
        return differences


def timeline(run: Capture, origin_ns: int) -> Timeline:
    """Return the marks of a run whose clock was at `origin_ns` when it began."""
    marks = [mark for event in run.events if (mark := _mark(event, origin_ns)) is not None]
    return Timeline(tuple(sorted(marks, key=lambda mark: mark.at_ms)), tuple(_unread(run)))


def _mark(event: Event, origin_ns: int) -> Mark | None:
    match event:
        case UpgradeRequest(connected_at_ns=connected_ns):
            begun = None if connected_ns is None else _ms(connected_ns)
            return Mark(event.connection, CLIENT, "open", _ms(event.at_ns), begun, step=0)
        case UpgradeResponse(status=status):
            kind = "accepted" if status == SWITCHING_PROTOCOLS else "refused"
            return Mark(event.connection, SERVER, kind, _ms(event.at_ns))
        case Frame():
            return _mark_of_frame(event, origin_ns)
        case TcpClose(side=side):
            return Mark(
                event.connection, side.value, "TCP close", _ms(event.at_ns), step=event.step
            )
        case Note(text=text) if around := _AROUND.fullmatch(text):
            said = "".join(filter(None, around.groups()))
            return Mark("", SERVER, MOMENT, _ms(event.at_ns), called=said)
    return None


def _mark_of_frame(frame: Frame, origin_ns: int) -> Mark:
    side, at_ms, begun, called = frame.direction.sender.value, _ms(frame.at_ns), None, ""
    if frame.first_byte_at_ns < frame.at_ns:
        begun = _ms(frame.first_byte_at_ns)
    if side == SERVER and frame.text is not None:
        called = kind_of(frame.payload, is_text=True)
        sent_ms = _ms(json.loads(frame.text)["sent_at_ns"] - origin_ns)
        begun = sent_ms if at_ms - sent_ms > UNREAD_MS else begun
    return Mark(frame.connection, side, frame.opcode, at_ms, begun, frame.step, called)


def _unread(run: Capture) -> Iterator[Unread]:
    begun: dict[str, float] = {}
    for event in run.events:
        if isinstance(event, Note) and event.connection is not None:
            if event.text == STOPS:
                begun[event.connection] = _ms(event.at_ns)
            elif event.text == READS and event.connection in begun:
                from_ms = begun.pop(event.connection)
                yield Unread(event.connection, from_ms, _ms(event.at_ns))
    for connection, from_ms in begun.items():
        yield Unread(connection, from_ms, max(_ms(event.at_ns) for event in run.events))


def _ms(at_ns: int) -> float:
    return round(at_ns / 1e6, 1)


def _without_nothing(fields: Mapping[str, Any]) -> dict[str, Any]:
    nothing = (("from_ms", None), ("step", None), ("called", ""))
    return {name: value for name, value in fields.items() if (name, value) not in nothing}


def _by_identity(marks: Sequence[Mark]) -> dict[tuple[str, str, str, int, str], list[Mark]]:
    ordered = sorted(marks, key=lambda mark: (mark.identity, mark.at_ms))
    return {
        identity: list(same) for identity, same in groupby(ordered, key=lambda mark: mark.identity)
    }


def _agree(mine: Sequence[Mark], others: Sequence[Mark], tolerance_ms: float) -> bool:
    return len(mine) == len(others) and all(
        abs(one.at_ms - other.at_ms) <= tolerance_ms
        and abs(one.begins_ms - other.begins_ms) <= tolerance_ms
        for one, other in zip(mine, others, strict=True)
    )


def _times(marks: Sequence[Mark]) -> str:
    return ", ".join(f"{mark.at_ms}" for mark in marks) or "no time"
