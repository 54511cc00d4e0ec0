"""The same order of steps, far apart in time: what a race does not survive.

Moving a step of one connection may put it before or after a step of another. A server that then
answers differently may be right: who asks earlier sees less. Spread out, a race is gone, and an
answer that only follows from the order is still there.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType

from replay.perturbations import Gap
from replay.plan import Plan, Step

# A connection and the number of a step.
Place = tuple[str, int]
Times = Mapping[Place, int]


@dataclass(frozen=True, slots=True)
class Course:
    """When a run took its steps, and when each of them was first answered."""

    taken_ns: Times
    answered_ns: Times

    @property
    def overlaps(self) -> frozenset[tuple[Place, Place]]:
        """The steps that were taken before one of another connection was answered, and that one."""
        return frozenset(
            (place, theirs)
            for theirs, answered_ns in self.answered_ns.items()
            if theirs in self.taken_ns
            for place, at_ns in self.taken_ns.items()
            if place[0] != theirs[0] and self.taken_ns[theirs] <= at_ns < answered_ns
        )


def orders(plan: Plan, course: Course, usual: Course) -> Iterator[Times]:
    """Yield the orders of steps that may explain a run, as times to be spread.

    Its own, if it is not the recorded one, or if something usually comes before an answer and now
    comes after it. And where a step was taken before a step of another connection was answered, the
    server may have done it first: where it was not so when recorded, or everywhere.
    """
    told = []
    now_later = (
        (place, theirs)
        for place, theirs in usual.overlaps - course.overlaps
        if course.taken_ns.get(place, 0) >= course.answered_ns.get(theirs, math.inf)
    )
    if any(now_later):
        told.append(course.taken_ns)
        yield course.taken_ns
    for order in (course.taken_ns, *_done_first(plan, course)):
        if reordered(plan, order) and order not in told:
            told.append(order)
            yield order


def _done_first(plan: Plan, course: Course) -> tuple[Times, Times]:
    """Return times in which steps come before those that were not answered yet: the steps that came
    later when recorded, and all.
    """
    unusual, every = dict(course.taken_ns), dict(course.taken_ns)
    for place, theirs in course.overlaps:
        just_before_ns = course.taken_ns[theirs] - 1
        every[place] = min(every[place], just_before_ns)
        took_ns = course.answered_ns[theirs] - course.taken_ns[theirs]
        if plan.step(*place).recorded_at_ns - plan.step(*theirs).recorded_at_ns > took_ns:
            unusual[place] = min(unusual[place], just_before_ns)
    return unusual, every


def reordered(plan: Plan, taken_ns: Times) -> bool:
    """Whether a run took the steps of its connections in another order than recorded."""
    return _names(_recorded_order(plan, taken_ns)) != _names(_order(plan, taken_ns))


def spread(
    plan: Plan, taken_ns: Times, gap_ns: int, hurried_ns: Times = MappingProxyType({})
) -> tuple[Gap, ...]:
    """Return edits that take the steps in the order of a run, `gap_ns` between them.

    Those that are `hurried_ns` keep that gap to the step before, if it is of their own connection.
    """

    def between(before: Step, step: Step) -> int:
        is_own = before.connection == step.connection
        return hurried_ns.get((step.connection, step.index), gap_ns) if is_own else gap_ns

    return tuple(
        Gap(step.connection, step.index, before.as_event, between(before, step))
        for before, step in pairwise(_order(plan, taken_ns))
    )


def _order(plan: Plan, taken_ns: Times) -> list[Step]:
    """Return the steps that a run took, in the order in which it did."""
    taken = [step for step in plan.steps() if (step.connection, step.index) in taken_ns]
    return sorted(taken, key=lambda step: (taken_ns[step.connection, step.index], step.index))


def _recorded_order(plan: Plan, taken_ns: Times) -> list[Step]:
    taken = [step for step in plan.steps() if (step.connection, step.index) in taken_ns]
    return sorted(taken, key=lambda step: (step.recorded_at_ns, step.index))


def _names(steps: Sequence[Step]) -> list[tuple[str, int]]:
    return [(step.connection, step.index) for step in steps]
