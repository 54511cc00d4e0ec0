"""A failure that a stall or a burst showed, told plainly: the one gap that it comes down to.

Whoever holds a connection moves many steps; often one of them is what matters.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

from replay.perturbations import (
    Burst,
    Dribble,
    Gap,
    Hold,
    Perturbation,
    Refragment,
    SlowReader,
    Starve,
)
from replay.plan import After, Plan
from replay.search.candidates.gaps import anchors

RETIMING = (Burst, Dribble, Hold, Refragment, SlowReader, Starve)
MOST_GAPS = 4
# Less than this is as recorded.
LEAST_RATIO, LEAST_NS = 1.3, 1_000_000


def plainer(plan: Plan, edit: Perturbation, came_ns: Mapping[After, int]) -> Iterator[Gap]:
    """Yield gaps that a failing run with `edit` had otherwise than recorded, the oddest first.

    `came_ns` says when each event came in that run.
    """
    if not isinstance(edit, RETIMING):
        return
    odd = []
    for step in plan.steps():
        for after in anchors(plan, step):
            recorded_ns = plan.recorded_gap_ns(step, after)
            if recorded_ns is None or step.as_event not in came_ns or after not in came_ns:
                continue
            gap_ns = came_ns[step.as_event] - came_ns[after]
            if gap_ns < 0 or abs(gap_ns - recorded_ns) < LEAST_NS:
                continue
            ratio = abs(math.log((gap_ns + LEAST_NS) / (recorded_ns + LEAST_NS)))
            if ratio > math.log(LEAST_RATIO):
                odd.append((ratio, Gap(step.connection, step.index, after, gap_ns)))
    odd.sort(key=lambda pair: -pair[0])
    yield from (gap for _, gap in odd[:MOST_GAPS])
