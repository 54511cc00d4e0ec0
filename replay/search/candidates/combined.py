"""Several changes at once, for what no single one shows.

Neighbouring steps moved together by times that are drawn; a service that is slow and a client that
goes; all services that hang at the same time. What fails is shrunk to what it takes.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from replay.fault_proxy import Blackhole, Latency
from replay.perturbations import Gap, Reset, ServiceFault
from replay.plan import START, After, Kind, Plan, Step
from replay.search import Edits
from replay.search.candidates.gaps import anchors
from replay.search.candidates.ranked import COARSE, FINE, FINER, FINEST, ROUGH
from replay.search.candidates.surroundings import Changeable, before_openings

if TYPE_CHECKING:
    from random import Random

# How many drawn changes a step of the plan gets in a round.
DRAWN_PER_STEP = {ROUGH: 0.5, FINE: 1.0, FINER: 3.0, FINEST: 12.0}
MOST_DRAWN = 400
# Log-uniform: small and large times alike. Often what matters is that there is no pause.
SHORTEST_NS, LONGEST_NS = 500_000, 3_000_000_000
NO_PAUSE_SHARE = 0.35
NEAR = 3

SLOW = Latency(delay_ns=150_000_000)
GONE_AFTER_NS = 40_000_000
HANGS_NS = {COARSE: 30_000_000_000, FINE: 8_000_000_000}


def combined(
    plan: Plan, changeable: Changeable, chance: Random | None
) -> Iterator[tuple[int, Edits]]:
    """Yield several edits at a time, with their round; none that are drawn without `chance`."""
    yield from _hanging(plan, changeable)
    yield from _slow_and_gone(plan, changeable)
    if chance is not None:
        yield from _drawn(plan, chance)


def _hanging(plan: Plan, changeable: Changeable) -> Iterator[tuple[int, Edits]]:
    if len(changeable.proxies) < 2:
        return
    for number, for_ns in HANGS_NS.items():
        for after, gap_ns in before_openings(plan):
            if after == START:
                continue
            yield (
                number,
                tuple(
                    ServiceFault(proxy, after, gap_ns, for_ns, fault=Blackhole())
                    for proxy in changeable.proxies
                ),
            )


def _slow_and_gone(plan: Plan, changeable: Changeable) -> Iterator[tuple[int, Edits]]:
    for after, gap_ns in before_openings(plan):
        for proxy in changeable.proxies:
            slow = ServiceFault(proxy, after, gap_ns, fault=SLOW)
            for name in plan.connections:
                gone = Reset(name, 1, After(Kind.OPEN, name), GONE_AFTER_NS)
                yield ROUGH, (slow, gone)


def _drawn(plan: Plan, chance: Random) -> Iterator[tuple[int, Edits]]:
    in_time = sorted(plan.steps(), key=lambda step: step.recorded_at_ns)
    movable = [step for step in in_time if anchors(plan, step)]
    if len(movable) < 2:
        return
    for number, per_step in DRAWN_PER_STEP.items():
        for _ in range(min(MOST_DRAWN, math.ceil(per_step * len(movable)))):
            place = chance.randrange(len(movable))
            near = movable[max(0, place - NEAR) : place + NEAR + 1]
            steps = chance.sample(near, min(len(near), chance.choice((2, 2, 3))))
            yield number, tuple(_gap(plan, step, chance) for step in steps)


def _gap(plan: Plan, step: Step, chance: Random) -> Gap:
    after = chance.choice(anchors(plan, step))
    drawn = chance.uniform(math.log(SHORTEST_NS), math.log(LONGEST_NS))
    gap_ns = 0 if chance.random() < NO_PAUSE_SHARE else round(math.exp(drawn))
    return Gap(step.connection, step.index, after, gap_ns)
