"""What happened on which connection, and when: for tests that are about order and time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from local_staging.clock import monotonic_ns


@dataclass(frozen=True, slots=True)
class RaceEvent:
    """Something happened to someone; times are nanoseconds on the machine's clock."""

    at_ns: int
    who: str
    what: str


@dataclass(slots=True)
class RaceEvents:
    """All that happened, in order."""

    _events: list[RaceEvent] = field(default_factory=list)

    def note(self, who: str, what: str) -> None:
        """Take down that something happened now."""
        self._events.append(RaceEvent(monotonic_ns(), who, what))

    def __iter__(self) -> Iterator[RaceEvent]:
        return iter(self._events)

    def of(self, who: str) -> list[str]:
        """Return what happened to someone, in order."""
        return [event.what for event in self._events if event.who == who]

    def between_ms(self, who: str, first: str, then: str) -> float:
        """Return how long it was from the first of one thing to the first of another after it."""
        events = iter(event for event in self._events if event.who == who)
        began = next(event for event in events if event.what == first)
        ended = next(event for event in events if event.what == then)
        return (ended.at_ns - began.at_ns) / 1e6

    def spread_ms(self, what: str) -> float:
        """Return how long it was from the first time that it happened to anybody to the last."""
        times = [event.at_ns for event in self._events if event.what == what]
        return (max(times) - min(times)) / 1e6
