"""Connections that end before their time: reset, closed, half-closed.

Without an event of its own a cut follows the client's step before at once: the server has the
message and nobody to answer. After the opening it comes before the 101, and just after it.
No client comes back in the middle: what a server that keeps a session in its connection makes of
that is right, and tells of no race.
"""

from __future__ import annotations

from collections.abc import Iterator

from replay.perturbations import EarlyClose, HalfClose, Reset
from replay.plan import After, End, Kind, Plan
from replay.search.candidates.ranked import (
    AT_ONCE,
    COARSE,
    FINE,
    FINER,
    FINEST,
    ROUGH,
    Ranked,
)

RESETS_MS: dict[int, tuple[float, ...]] = {
    ROUGH: (30,),
    FINE: (5, 150),
    FINER: (1, 12, 70, 400),
    FINEST: (1_000, 3_000),
}
GREETED_MS: dict[int, tuple[float, ...]] = {COARSE: (2,), FINE: (0.5, 8), FINER: (30, 100)}


def endings(plan: Plan) -> Iterator[Ranked]:
    """Yield ends in place of every step that there is."""
    for name, steps in plan.connections.items():
        opened = After(Kind.OPEN, name)
        for step in steps[1:]:
            at, in_time = step.index, not isinstance(step.action, End) or step.index > 1
            yield AT_ONCE if in_time else COARSE, Reset(name, at)
            if at == 1:
                yield AT_ONCE, Reset(name, at, opened)
            yield ROUGH, EarlyClose(name, at)
            yield FINE, EarlyClose(name, at, code=None)
            yield FINE, HalfClose(name, at)
            for number, gaps_ms in RESETS_MS.items():
                for gap_ms in gaps_ms:
                    yield number, Reset(name, at, None, round(gap_ms * 1e6))
        # Just after the 101 a server does what it does once for each connection.
        for number, gaps_ms in GREETED_MS.items():
            for gap_ms in gaps_ms:
                yield number, Reset(name, 1, opened, round(gap_ms * 1e6))
