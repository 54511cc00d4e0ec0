"""Bytes that come apart: the upgrade request and messages in several segments or frames."""

from __future__ import annotations

from collections.abc import Iterator

from replay.perturbations import Dribble, Refragment
from replay.plan import End, Plan, Send
from replay.search.candidates.ranked import FINE, FINER, ROUGH, Ranked

PIECES = 4
# Short enough to be the network's doing, and long enough to span what a server does meanwhile.
EVERY_MS = {ROUGH: 25.0, FINER: 150.0}


def segments(plan: Plan) -> Iterator[Ranked]:
    """Yield dribbled steps, the openings and first messages before the others."""
    for step in plan.steps():
        if isinstance(step.action, End):
            continue
        later = 0 if step.index <= 1 else 1
        for number, every_ms in EVERY_MS.items():
            every_ns = round(every_ms * 1e6)
            yield number + later, Dribble(step.connection, step.index, PIECES, every_ns)
        if isinstance(step.action, Send):
            yield FINE + later, Refragment(step.connection, step.index, 2, round(25e6))
