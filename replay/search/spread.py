"""The same order of steps, far apart in time: what a race does not survive.

Moving a step of one connection may put it before or after a step of another. A server that then
answers differently may be right: who asks earlier sees less. Spread out, a race is gone, and an
answer that only follows from the order is still there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

from replay.perturbations import Gap
from replay.plan import Plan, Step

Times = Mapping[tuple[str, int], int]


def orders(plan: Plan, taken_ns: Times, answered_ns: Times) -> Iterator[Times]:
    """Yield the orders of steps that may explain a run, as times to be spread.

    Its own, if it is not the recorded one. And where a step was taken before a step of another
    connection was answered, which it was not when recorded, the server may have done it first.
    """
    if reordered(plan, taken_ns):
        yield taken_ns
    first = dict(taken_ns)
    for step in plan.steps():
        place = (step.connection, step.index)
        for other in plan.steps():
            theirs = (other.connection, other.index)
            if place not in taken_ns or theirs not in answered_ns or theirs not in taken_ns:
                continue
            took_ns = answered_ns[theirs] - taken_ns[theirs]
            was_over = step.recorded_at_ns - other.recorded_at_ns > took_ns
            is_within = taken_ns[theirs] <= taken_ns[place] < answered_ns[theirs]
            if step.connection != other.connection and is_within and was_over:
                first[place] = min(first[place], taken_ns[theirs] - 1)
    if first != dict(taken_ns):
        yield first


def reordered(plan: Plan, taken_ns: Times) -> bool:
    """Whether a run took the steps of its connections in another order than recorded."""
    return _names(_recorded_order(plan, taken_ns)) != _names(_order(plan, taken_ns))


def spread(plan: Plan, taken_ns: Times, gap_ns: int) -> tuple[Gap, ...]:
    """Return edits that take the steps in the order of a run, `gap_ns` between them."""
    order = _order(plan, taken_ns)
    return tuple(
        Gap(step.connection, step.index, before.as_event, gap_ns)
        for before, step in pairwise(order)
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
