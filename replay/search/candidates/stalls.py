"""Networks that stand still for a while: messages held and released, nothing either way."""

from __future__ import annotations

from collections.abc import Iterator

from replay.perturbations import Hold, Starve
from replay.plan import End, Plan
from replay.search.candidates.ranked import COARSE, FINE, FINER, ROUGH, Ranked

HOLDS_MS = {COARSE: (300,), FINE: (50, 2_000)}
STARVES_MS = {ROUGH: (1_000,), FINER: (200, 3_000)}


def stalls(plan: Plan) -> Iterator[Ranked]:
    """Yield stalls that begin at each message, those of a connection's first message first."""
    for step in plan.steps():
        if step.index == 0 or isinstance(step.action, End):
            continue
        later = 0 if step.index == 1 else 1
        for number, whiles_ms in HOLDS_MS.items():
            for while_ms in whiles_ms:
                yield number + later, Hold(step.connection, step.index, round(while_ms * 1e6))
        for number, whiles_ms in STARVES_MS.items():
            for while_ms in whiles_ms:
                yield number + later, Starve(step.connection, step.index, round(while_ms * 1e6))
