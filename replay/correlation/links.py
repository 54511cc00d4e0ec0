"""What belongs together: a value that the server issues, and where the client sends it back."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from capture.redaction import PLACEHOLDER
from replay.correlation.places import check_place
from replay.errors import PlanError
from replay.events import After, Kind

PAYLOAD, URL, HEADER = "payload", "url", "header "


@dataclass(frozen=True, slots=True)
class Source:
    """Where the server issues it: a message, or a `header` of its answer to the handshake.

    Of a `latest` one the client takes what came last in messages of that kind, whichever it was.
    """

    event: After
    place: str
    header: str = ""
    latest: bool = False

    @property
    def needed(self) -> After:
        """The event without which the value cannot be known."""
        return self.event.numbered(1) if self.latest else self.event

    def __str__(self) -> str:
        if self.header:
            return f"{self.place} of {self.header} in the handshake of {self.event.connection}"
        if self.latest:
            kind = self.event.called or "message"
            return f"{self.place} of the latest {kind} on {self.event.connection}"
        return f"{self.place} of {self.event}"


@dataclass(frozen=True, slots=True)
class Sink:
    """Where the client sends it: in the payload of a step, in the URL or a header of an opening.

    `part` is payload, url or "header cookie". `recorded` is what stood there, a placeholder where
    it was a secret; where something else stands now, nothing is put.
    """

    connection: str
    step: int
    part: str
    place: str
    recorded: str = ""

    def __str__(self) -> str:
        part = "" if self.part == PAYLOAD else f" {self.part}"
        return f"{self.connection} step {self.step}{part}: {self.place}"


@dataclass(frozen=True, slots=True)
class Link:
    """One value: its source, and every place where the client repeats it."""

    source: Source
    sinks: tuple[Sink, ...]

    def to_json(self) -> dict[str, Any]:
        """Return the link as it stands in a plan file."""
        source = self.source
        return {
            "from": str(source.event),
            "place": source.place,
            **({"header": source.header} if source.header else {}),
            **({"latest": True} if source.latest else {}),
            "to": [
                {
                    "connection": sink.connection,
                    "step": sink.step,
                    "part": sink.part,
                    "place": sink.place,
                    "recorded": sink.recorded,
                }
                for sink in self.sinks
            ],
        }

    @classmethod
    def from_json(cls, link: Mapping[str, Any]) -> Link:
        """Read what `to_json` wrote. Raises PlanError."""
        try:
            source = Source(
                After.parse(_text(link, "from")),
                _place(link),
                _text(link, "header") if "header" in link else "",
                link.get("latest") is True,
            )
            sinks = tuple(_sink(sink) for sink in link["to"])
        except (KeyError, TypeError, AttributeError):
            raise PlanError(
                f"correlation is {dict(link)!r}, expected from, place and to, and in each of to "
                "connection, step, part and place"
            ) from None
        if source.event.kind is not (Kind.OPEN if source.header else Kind.MESSAGE):
            raise PlanError(
                f'correlation is from {source.event}, expected "c1 message 1: type=welcome", or '
                '"c1 open" with a header'
            )
        return cls(source, sinks)


@dataclass(frozen=True, slots=True)
class Correlation:
    """Every link of a plan."""

    links: tuple[Link, ...] = ()

    def __iter__(self) -> Iterator[tuple[Source, Sink]]:
        """Yield each source with each of its sinks."""
        for link in self.links:
            for sink in link.sinks:
                yield link.source, sink

    def needs(self) -> dict[tuple[str, int], tuple[After, ...]]:
        """Return, by connection and step, the events without which a step cannot be right."""
        needs: dict[tuple[str, int], dict[After, None]] = {}
        for source, sink in self:
            needs.setdefault((sink.connection, sink.step), {})[source.needed] = None
        return {step: tuple(sorted(events)) for step, events in needs.items()}

    def values_from(self, connection: str) -> frozenset[str]:
        """Return the recorded values that come from one connection."""
        return frozenset(
            sink.recorded for source, sink in self if source.event.connection == connection
        )

    def issued(self) -> frozenset[str]:
        """Return the ids of the placeholders for which the server issues a fresh secret."""
        return frozenset(
            match["id"] for _, sink in self if (match := PLACEHOLDER.fullmatch(sink.recorded))
        )

    def to_json(self) -> list[dict[str, Any]]:
        """Return the links as they stand in a plan file."""
        return [link.to_json() for link in self.links]

    @classmethod
    def from_json(cls, links: object) -> Correlation:
        """Read what `to_json` wrote. Raises PlanError."""
        if not isinstance(links, list) or not all(isinstance(link, Mapping) for link in links):
            raise PlanError("correlation is no list of links: `deadheat plan --out` writes one")
        return cls(tuple(map(Link.from_json, links)))

    def renamed(self, name: Callable[[str], str]) -> Correlation:
        """Return the links of a copy of the connections."""
        return Correlation(
            tuple(
                Link(
                    replace(link.source, event=_renamed(link.source.event, name)),
                    tuple(replace(sink, connection=name(sink.connection)) for sink in link.sinks),
                )
                for link in self.links
            )
        )

    def among(self, connections: Collection[str]) -> Correlation:
        """Return the links between some of the connections."""
        links = []
        for link in self.links:
            sinks = tuple(sink for sink in link.sinks if sink.connection in connections)
            if sinks and link.source.event.connection in connections:
                links.append(replace(link, sinks=sinks))
        return Correlation(tuple(links))

    def and_also(self, more: Correlation) -> Correlation:
        """Return these links and others, each once."""
        return Correlation(tuple(dict.fromkeys((*self.links, *more.links))))


def _renamed(event: After, name: Callable[[str], str]) -> After:
    return event.on(name(event.connection))


def _sink(sink: Mapping[str, Any]) -> Sink:
    step, part = sink["step"], _text(sink, "part")
    if type(step) is not int or step < 0:
        raise PlanError(f"step is {step!r}, expected a number from 0")
    if part not in (PAYLOAD, URL) and not part.startswith(HEADER):
        raise PlanError(f'part is {part!r}, expected payload, url, or for example "header cookie"')
    recorded = _text(sink, "recorded") if "recorded" in sink else ""
    return Sink(_text(sink, "connection"), step, part, _place(sink), recorded)


def _place(within: Mapping[str, Any]) -> str:
    place = _text(within, "place")
    check_place(place)
    return place


def _text(within: Mapping[str, Any], name: str) -> str:
    value = within[name]
    if not isinstance(value, str):
        raise PlanError(f"{name} is {value!r}, expected a text")
    return value
