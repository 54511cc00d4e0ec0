"""Asks other recordings of the same session whether a value of the client follows the server's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from capture.format.model import Capture, Vantage
from replay.correlation.links import Source
from replay.correlation.sayings import Said, all_said
from replay.events import After, Kind


class Told(StrEnum):
    """What another recording tells of a value of the server that the client may repeat."""

    NOTHING = "nothing"
    FOLLOWS = "follows"
    CONSTANT = "constant"
    COINCIDENCE = "coincidence"


@dataclass(slots=True)
class Other:
    """Another recording: of a real client, or a run, which tells only what the server says now."""

    said: Sequence[Said]
    names: Mapping[str, str]
    is_real: bool
    _used: dict[tuple[str, str, str, int, str], Said] = field(default_factory=dict)
    _issued: dict[tuple[After, str, str], list[Said]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for each in self.said:
            for event in _events(each):
                self._issued.setdefault((event, each.saying.header, each.value.place), []).append(
                    each
                )
            if not each.saying.is_from_server:
                self._used.setdefault(_as_use(each, each.saying.connection), each)

    @classmethod
    def of(cls, capture: Capture, recorded: Capture) -> Other:
        """Read a recording whose connections are taken to be those of `recorded`, in order."""
        names = dict(zip(recorded.connection_ids(), capture.connection_ids(), strict=False))
        is_real = capture.header.vantage is not Vantage.CLIENT
        return cls(list(all_said(capture)), names, is_real)

    def tells_of(self, source: Source, use: Said) -> Told:
        """Return whether the client repeats here, too, what the server says at that place."""
        connection = self.names.get(use.saying.connection)
        again = None if connection is None else self._used.get(_as_use(use, connection))
        issue = None if again is None else self._issue(source, again)
        if again is None:
            return Told.NOTHING
        if self.is_real and (issue is None or issue.text != again.text):
            return Told.COINCIDENCE
        if issue is None:
            return Told.NOTHING
        # What a placeholder stands for is another secret in each recording.
        is_secret = use.text.startswith("{{deadheat:")
        return Told.CONSTANT if issue.text == use.text and not is_secret else Told.FOLLOWS

    def _issue(self, source: Source, use: Said) -> Said | None:
        name = self.names.get(source.event.connection)
        if name is None:
            return None
        index = 0 if source.latest else source.event.index
        event = After(source.event.kind, name, index, source.event.called)
        said = self._issued.get((event, source.header, source.place), [])
        before = [each for each in said if each.order < use.order]
        return before[-1] if before else None


def _as_use(each: Said, connection: str) -> tuple[str, str, str, int, str]:
    saying = each.saying
    return connection, saying.part, saying.called, saying.nth, each.value.place


def _events(each: Said) -> Iterator[After]:
    """Yield the event under each name that a source may call it by."""
    event = each.saying.event
    if event is None:
        return
    yield event
    if event.kind is Kind.MESSAGE:
        yield After(Kind.MESSAGE, event.connection, 0, event.called)
        yield After(Kind.MESSAGE, event.connection, each.saying.index)
        yield After(Kind.MESSAGE, event.connection, 0)
