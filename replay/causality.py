"""What each step waits for, as data that a person can read and change."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from replay.correlation import Correlation
from replay.errors import PlanError
from replay.events import After
from replay.plan import Plan, Step

NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Waits:
    """What one step follows, how long after, and which messages it cannot do without.

    Of what a person leaves out, `gap_ms` and `needs` stay as they are.
    """

    connection: str
    step: int
    after: After
    gap_ms: float | None = None
    needs: tuple[After, ...] | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the entry as it stands in a plan file."""
        entry: dict[str, Any] = {
            "connection": self.connection,
            "step": self.step,
            "after": str(self.after),
        }
        if self.gap_ms is not None:
            entry["gap_ms"] = self.gap_ms
        if self.needs is not None:
            entry["needs"] = [str(event) for event in self.needs]
        return entry

    @classmethod
    def from_json(cls, entry: Mapping[str, Any]) -> Waits:
        """Read what `to_json` wrote. Raises PlanError."""
        match entry:
            case {"connection": str(connection), "step": int(step), "after": str(after)}:
                return cls(
                    connection, step, After.parse(after), _gap_ms(entry), _needs(entry.get("needs"))
                )
        raise PlanError(f"causality is {dict(entry)!r}, expected a connection, a step and an after")


def causality_of(plan: Plan) -> tuple[Waits, ...]:
    """Return what every step of a plan waits for."""
    return tuple(
        Waits(step.connection, step.index, step.after, step.gap_ns / NS_PER_MS, step.needs)
        for step in plan.steps()
    )


def with_causality(plan: Plan, causality: Iterable[Waits]) -> Plan:
    """Return the plan with steps that wait for something else. Raises PlanError.

    A gap that is left out is the recorded one, or none where the event came later than the step.
    """
    return plan.with_steps([_waiting(plan, waits) for waits in causality])


def correlated(plan: Plan, correlation: Correlation) -> Plan:
    """Return the plan with other links; its steps need what these take their values from."""
    before, needs = plan.correlation.needs(), correlation.needs()

    def needed(step: Step) -> tuple[After, ...]:
        place = (step.connection, step.index)
        others = [event for event in step.needs if event not in before.get(place, ())]
        return tuple(dict.fromkeys((*needs.get(place, ()), *others)))

    steps = [replace(step, needs=needed(step)) for step in plan.steps()]
    return replace(plan.with_steps(steps), correlation=correlation)


def with_needs_of_links(plan: Plan) -> Plan:
    """Return the plan with steps that need, beside what they do, what their links need."""
    needs = plan.correlation.needs()
    return plan.with_steps(
        replace(step, needs=tuple(dict.fromkeys((*step.needs, *more))))
        for step in plan.steps()
        if (more := needs.get((step.connection, step.index)))
    )


def _waiting(plan: Plan, waits: Waits) -> Step:
    step = plan.step(waits.connection, waits.step)
    needs = step.needs if waits.needs is None else waits.needs
    if waits.gap_ms is not None:
        gap_ns = round(waits.gap_ms * NS_PER_MS)
    elif waits.after == step.after:
        gap_ns = step.gap_ns
    else:
        recorded_ns = plan.recorded_gap_ns(step, waits.after)
        gap_ns = 0 if recorded_ns is None else recorded_ns
    return replace(step, after=waits.after, gap_ns=gap_ns, needs=needs)


def _gap_ms(entry: Mapping[str, Any]) -> float | None:
    gap_ms = entry.get("gap_ms")
    if gap_ms is None:
        return None
    if type(gap_ms) not in (int, float) or not 0 <= gap_ms < float("inf"):
        raise PlanError(f"gap_ms is {gap_ms!r}, expected a number of milliseconds from 0")
    return float(gap_ms)


def _needs(needs: object) -> tuple[After, ...] | None:
    if needs is None:
        return None
    if not isinstance(needs, list) or not all(isinstance(event, str) for event in needs):
        raise PlanError(f'needs is {needs!r}, expected a list such as ["c1 message 1"]')
    return tuple(map(After.parse, needs))
