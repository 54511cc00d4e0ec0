"""The same order of steps, far apart in time: what a race does not survive.

Moving a step of one connection may put it before or after a step of another. A server that then
answers differently may be right: who asks earlier sees less. Spread out, a race is gone, and an
answer that only follows from the order is still there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from replay.perturbations import Gap
from replay.plan import Plan, Step

Times = Mapping[tuple[str, int], int]


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
