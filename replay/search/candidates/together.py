"""Steps that come together: of one connection in a burst, of several at the same instant."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from replay.perturbations import Align, Burst
from replay.plan import Plan, Send, Step
from replay.search.candidates.ranked import COARSE, FINE, ROUGH, Ranked

# The nearest in time are the likeliest to compete.
PAIRS_PER_STEP = 2
# How many steps before and after one are looked at.
NEIGHBOURS = 12
APART_MS = {COARSE: (0,), FINE: (1, 10)}


Pair = tuple[tuple[str, int], tuple[str, int]]


def together(plan: Plan) -> Iterator[Ranked]:
    """Yield bursts of all messages of a connection, and pairs of steps brought to one instant."""
    for name, steps in plan.connections.items():
        messages = [step.index for step in steps if isinstance(step.action, Send)]
        if len(messages) > 1:
            yield COARSE, Burst(name, messages[0], messages[-1])
            for first, last in pairwise(messages):
                yield ROUGH, Burst(name, first, last)
    for pair in _pairs(plan):
        for number, aparts_ms in APART_MS.items():
            for apart_ms in aparts_ms:
                yield number, Align(pair, round(apart_ms * 1e6))
                yield number, Align((pair[1], pair[0]), round(apart_ms * 1e6))


def _pairs(plan: Plan) -> Iterator[Pair]:
    """Yield steps of different connections that were open at the same time, each pair once."""
    in_time = sorted(plan.steps(), key=lambda step: step.recorded_at_ns)
    seen = set()
    for place, step in enumerate(in_time):
        near = in_time[max(0, place - NEIGHBOURS) : place + NEIGHBOURS + 1]
        others = [
            other
            for other in near
            if other.connection != step.connection and _overlap(plan, step, other)
        ]
        others.sort(key=lambda other: abs(other.recorded_at_ns - step.recorded_at_ns))
        for other in others[:PAIRS_PER_STEP]:
            first, last = sorted(((step.connection, step.index), (other.connection, other.index)))
            if (first, last) not in seen:
                seen.add((first, last))
                yield first, last


def _overlap(plan: Plan, step: Step, other: Step) -> bool:
    began_ns, ended_ns = _lifetime_ns(plan.of(step.connection))
    other_began_ns, other_ended_ns = _lifetime_ns(plan.of(other.connection))
    return began_ns < other_ended_ns and other_began_ns < ended_ns


def _lifetime_ns(steps: tuple[Step, ...]) -> tuple[int, int]:
    return steps[0].recorded_at_ns, steps[-1].recorded_at_ns
