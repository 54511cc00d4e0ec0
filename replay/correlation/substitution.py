"""Live values in place of recorded ones, during one run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from capture.format.model import HeaderPairs
from capture.redaction import PLACEHOLDER
from replay.correlation.links import HEADER, PAYLOAD, URL, Correlation, Sink, Source
from replay.correlation.places import Written, change_at, found_at
from replay.correlation.sayings import text_of, written_in
from replay.events import After, Kind

SHOWN = 40
CORRELATED = "correlated: "
_IS_THE_SERVERS = " is the server's, from "


@dataclass(frozen=True, slots=True)
class Substitution:
    """A value that was replaced in a run. Of secrets, `was` and `live` are empty."""

    sink: Sink
    source: Source
    was: str
    live: str

    def __str__(self) -> str:
        values = f" ({_short(self.was)} became {_short(self.live)})" if self.live else ""
        return f"{self.sink}{_IS_THE_SERVERS}{self.source}{values}"


@dataclass(slots=True)
class Substitutions:
    """What the server of a run said so far, as far as the client has to send it back.

    `learn` is told of each live secret, by the id of its placeholder, before it can be recorded.
    """

    correlation: Correlation
    learn: Callable[[str, str], None] = lambda _id, _value: None
    made: dict[Sink, Substitution] = field(default_factory=dict)
    missing: dict[Sink, Source] = field(default_factory=dict)
    _live: dict[Source, str] = field(default_factory=dict)
    _sources: dict[After, list[Source]] = field(default_factory=dict)
    _sinks: dict[tuple[str, int, str], list[tuple[Source, Sink]]] = field(default_factory=dict)
    _secret_ids: dict[Source, set[str]] = field(default_factory=dict)
    _heard: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for link in self.correlation.links:
            source = link.source
            event = _any_of(source.event) if source.latest else source.event
            self._sources.setdefault(event, []).append(source)
            for sink in link.sinks:
                part = HEADER if sink.part.startswith(HEADER) else sink.part
                of_sink = (sink.connection, sink.step, part)
                self._sinks.setdefault(of_sink, []).append((source, sink))
                if secret := PLACEHOLDER.fullmatch(sink.recorded):
                    self._secret_ids.setdefault(source, set()).add(secret["id"])

    def heard(self, event: After, payload: bytes) -> None:
        """Take what a message of the server says, the n-th of its kind on its connection."""
        if not self._sources:
            return
        self._heard[event.connection] += 1
        of_all = After(Kind.MESSAGE, event.connection, self._heard[event.connection])
        text: str | None = None
        for each in (event, _any_of(event), of_all, _any_of(of_all)):
            for source in self._sources.get(each, ()):
                text = text_of(payload) if text is None else text
                if text is not None:
                    self._take(source, found_at(text, source.place))

    def heard_headers(self, connection: str, headers: Iterable[tuple[str, str]]) -> None:
        """Take what the answer to a handshake says."""
        lines = [(name.lower(), value) for name, value in headers]
        for source in self._sources.get(After(Kind.OPEN, connection), ()):
            found = (
                found_at(value, source.place)
                for name, value in lines
                if name == source.header.lower()
            )
            self._take(source, next((value for value in found if value is not None), None))

    def fill_url(self, connection: str, url: str) -> str:
        """Return the URL of a handshake with live values."""
        for source, sink in self._sinks.get((connection, 0, URL), ()):
            for start, end, new in self._changes(source, sink, url):
                url = url[:start] + new + url[end:]
        return url

    def fill_headers(self, connection: str, headers: HeaderPairs) -> HeaderPairs:
        """Return the headers of a handshake with live values."""
        filled = list(headers)
        for source, sink in self._sinks.get((connection, 0, HEADER), ()):
            for number, (name, value) in enumerate(filled):
                if f"{HEADER}{name.lower()}" != sink.part.lower():
                    continue
                for start, end, new in self._changes(source, sink, value):
                    filled[number] = (name, value[:start] + new + value[end:])
        return tuple(filled)

    def fill_payload(self, connection: str, step: int, fragments: Sequence[bytes]) -> list[bytes]:
        """Return a message with live values, in as many fragments as it had."""
        filled = list(fragments)
        for source, sink in self._sinks.get((connection, step, PAYLOAD), ()):
            text = text_of(b"".join(filled))
            if text is None:
                continue
            for start, end, new in self._changes(source, sink, text):
                filled = _spliced(filled, len(text[:start].encode()), text[start:end], new)
        return filled

    def _take(self, source: Source, value: str | None) -> None:
        if value is None:
            return
        self._live[source] = value
        for secret_id in self._secret_ids.get(source, ()):
            self.learn(secret_id, value)

    def _changes(self, source: Source, sink: Sink, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield what to replace in a text for one sink: once, or not at all."""
        live, was = self._live.get(source), found_at(text, sink.place)
        if live is None and was is not None:
            self.missing[sink] = source
        else:
            self.missing.pop(sink, None)
        if live is None or was is None or live == was or (sink.recorded not in ("", was)):
            return
        if written_in(sink.part) in (Written.HEADER, Written.COOKIES) and not live.isprintable():
            # A line break would begin another header.
            return
        change = change_at(text, sink.place, live)
        if change is not None:
            is_secret = PLACEHOLDER.search(was) is not None
            shown = ("", "") if is_secret else (was, live)
            # A message may be made ready more than once before it goes out.
            self.made[sink] = Substitution(sink, source, *shown)
            yield change


def made_in(notes: Iterable[str]) -> list[tuple[str, str]]:
    """Return which substitutions the notes of a run tell of: what was replaced, and from where."""
    made = []
    for note in notes:
        what, is_one, source = note.removeprefix(CORRELATED).partition(_IS_THE_SERVERS)
        if note.startswith(CORRELATED) and is_one:
            made.append((what, source))
    return made


def _any_of(event: After) -> After:
    """Return a message of a kind without its number."""
    return event.numbered(0)


def _spliced(fragments: Sequence[bytes], start: int, old: str, new: str) -> list[bytes]:
    """Return fragments with the bytes of `old` replaced, their edges kept where they can be."""
    whole = b"".join(fragments)
    end, inserted = start + len(old.encode()), new.encode()
    changed = whole[:start] + inserted + whole[end:]
    edges, at = [0], 0
    for fragment in fragments[:-1]:
        at += len(fragment)
        if at >= end:
            edges.append(at - end + start + len(inserted))
        else:
            edges.append(min(at, start + len(inserted)))
    edges.append(len(changed))
    return [changed[edges[n] : edges[n + 1]] for n in range(len(fragments))]


def _short(value: str) -> str:
    printable = "".join(char if char.isprintable() else " " for char in value)
    return printable if len(printable) <= SHOWN else f"{printable[: SHOWN - 1]}…"
