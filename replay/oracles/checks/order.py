"""What the server says comes in order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar

from replay.errors import CheckError
from replay.oracles.checks.field import Field, Scalar
from replay.oracles.checks.observed import Observed, Said
from replay.oracles.checks.outcome import cannot_tell, counted, verdict_of
from replay.oracles.checks.selector import ALL, Selector
from replay.oracles.verdict import Judgement, Symptom, SymptomKind

Group = tuple[str, str]
"""A connection, and the value of `per` there."""


@dataclass(frozen=True, slots=True)
class Order:
    """The field `by` of the server's messages never decreases, or `events` come in their order.

    Each connection has an order of its own, and with `per` each value of that field. `strict`: the
    field has to grow. Events may be left out and repeated, but a round begins with the first, and
    the next one only after the last.
    """

    name: ClassVar[str] = "order"
    first: ClassVar[str] = "by"

    by: Field | None = None
    events: tuple[Selector, ...] = ()
    of: Selector = ALL
    per: Field | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        if (self.by is None) == (not self.events):
            raise CheckError(f"{self.name} needs either by=$.seq or events=first,second")
        if len(self.events) == 1:
            raise CheckError(f"{self.name}: events is {self.events[0]} alone, expected two or more")

    def judge(self, seen: Observed) -> Judgement:
        """Return pass, or fail with every message that came out of order."""
        groups = self._groups(seen)
        if self.by is not None:
            return self._judged_by(self.by, groups)
        return self._judged_events(groups)

    def _groups(self, seen: Observed) -> dict[Group, list[Said]]:
        groups: dict[Group, list[Said]] = {}
        for talk in seen.talks:
            for said in talk.heard:
                if self.of.matches(said):
                    for key in [""] if self.per is None else self.per.keys(said):
                        groups.setdefault((talk.connection, key), []).append(said)
        return groups

    def _judged_by(self, by: Field, groups: dict[Group, list[Said]]) -> Judgement:
        symptoms, compared = [], 0
        for group, messages in groups.items():
            valued = [(said, value) for said in messages for value in by.values(said)]
            for (before, low), (after, high) in pairwise(valued):
                low_value, high_value = _number(low), _number(high)
                if isinstance(low_value, str) != isinstance(high_value, str):
                    return cannot_tell(f"{by} is {low} and then {high}: these cannot be compared")
                compared += 1
                if high_value < low_value or (self.strict and high_value == low_value):  # type: ignore[operator]
                    what = f"{by} is {high} in {after}, after {low} in message {before.index}"
                    symptoms.append(self._symptom(group, after, what))
        if not compared:
            return cannot_tell(f"no two messages of the server with {by} to compare")
        return verdict_of(symptoms, f"{counted(compared, 'pair')} of messages compared")

    def _judged_events(self, groups: dict[Group, list[Said]]) -> Judgement:
        symptoms, looked_at = [], 0
        for group, messages in groups.items():
            named = list(self._named(messages))
            looked_at += len(named)
            symptoms += [self._symptom(group, said, what) for said, what in self._disorder(named)]
        if not looked_at:
            names = ", ".join(map(str, self.events))
            return cannot_tell(f"the server said none of {names}")
        return verdict_of(symptoms, f"{counted(looked_at, 'event')} looked at")

    def _named(self, messages: list[Said]) -> Iterator[tuple[Said, int]]:
        for said in messages:
            for place, event in enumerate(self.events):
                if event.matches(said):
                    yield said, place
                    break

    def _disorder(self, named: list[tuple[Said, int]]) -> Iterator[tuple[Said, str]]:
        last = len(self.events) - 1
        # Between rounds stands where the latest one ended; a round without its first event is
        # reported once, and the first event that comes late is then no second fault.
        place, is_headless = last, False
        for number, (said, new) in enumerate(named):
            is_between = place == last and not is_headless
            if is_between and new != 0 and (new != last or number == 0):
                is_headless = True
                yield said, f"{self.events[new]} came before {self.events[0]}: {said}"
            elif new == 0 and (is_headless or is_between):
                is_headless = False
            elif new < place:
                yield said, f"{self.events[new]} came after {self.events[place]}: {said}"
            elif new == last:
                is_headless = False
            place = new

    def _symptom(self, group: Group, said: Said, what: str) -> Symptom:
        connection, key = group
        of_key = f" ({self.per}={key[:40]})" if self.per is not None else ""
        detail = f"{connection}{of_key}: {what}"
        return Symptom(SymptomKind.REORDERED, detail, connection, at_ns=said.at_ns)


def _number(value: Scalar) -> float | str:
    """Return a number where the value is one, also one in text."""
    if isinstance(value, str):
        return int(value) if value.isdecimal() else value
    return value
