"""Steps that come earlier or later: every step, after every event that it may follow.

What a client does "at once" breaks most. Then comes a coarse grid of gaps over all steps, then
order flips: each step just before and just after each message of the server near it. Finer grids
come last.
"""

from __future__ import annotations

from collections.abc import Iterator

from replay.perturbations import Gap, HandshakeDelay
from replay.plan import START, After, End, Kind, Plan, Step
from replay.search.candidates.ranked import (
    COARSE,
    FINE,
    FINER,
    FINEST,
    NO_PAUSE,
    ROUGH,
    Ranked,
)

# Each round lies between the values of those before it; together neighbours differ by half.
GAPS_MS: dict[int, tuple[float, ...]] = {
    NO_PAUSE: (0,),
    COARSE: (10, 150, 1_000),
    FINE: (3, 30, 300, 3_000),
    FINER: (1, 5.5, 17, 55, 100, 550, 1_700),
    FINEST: (2, 7.5, 13, 23, 42, 75, 130, 230, 420, 750, 1_300, 2_300),
}
HANDSHAKES_MS: dict[int, tuple[float, ...]] = {
    COARSE: (100,),
    FINE: (1_000,),
    FINER: (10, 300, 3_000),
}
# How far before or after a message of the server a step is put, to come in the other order.
FLIP_BY_NS = 1_500_000
FLIPS_PER_STEP = 8
# A gap that is nearly the recorded one was tried by the baseline.
NEAR_RECORDED = 0.15


def gaps(plan: Plan) -> Iterator[Ranked]:
    """Yield other times of every step after what it may follow."""
    movable = [(step, after) for step in by_promise(plan) for after in anchors(plan, step)]
    for number, gaps_ms in GAPS_MS.items():
        for gap_ms in gaps_ms:
            for step, after in movable:
                gap_ns = round(gap_ms * 1e6)
                if not is_near(gap_ns, plan.recorded_gap_ns(step, after)):
                    yield number, Gap(step.connection, step.index, after, gap_ns)


def handshakes(plan: Plan) -> Iterator[Ranked]:
    """Yield upgrade requests that come late."""
    for number, delays_ms in HANDSHAKES_MS.items():
        for delay_ms in delays_ms:
            for connection in plan.connections:
                yield number, HandshakeDelay(connection, round(delay_ms * 1e6))


def flips(plan: Plan) -> Iterator[Ranked]:
    """Yield steps just before and just after the server's messages near them."""
    for step in by_promise(plan):
        for edit in flips_of(plan, step):
            yield ROUGH, edit


def flips_of(plan: Plan, step: Step) -> Iterator[Gap]:
    """Yield edits that put a step just before and just after the server's messages near it.

    The step is tied to the client's own doing before it, so that the message need not come first.
    """
    own = own_before(step)
    if own is None or own not in plan.recorded_ns:
        return
    origin_ns, usual_ns = plan.recorded_ns[own], step.recorded_at_ns
    messages = [
        at_ns
        for event, at_ns in plan.recorded_ns.items()
        if event.kind is Kind.MESSAGE and at_ns > origin_ns
    ]
    nearest = sorted(messages, key=lambda at_ns: abs(at_ns - usual_ns))[:FLIPS_PER_STEP]
    for at_ns in nearest:
        for by_ns in (-FLIP_BY_NS, FLIP_BY_NS):
            gap_ns = at_ns - origin_ns + by_ns
            if gap_ns > 0 and not is_near(gap_ns, usual_ns - origin_ns):
                yield Gap(step.connection, step.index, own, gap_ns)


def anchors(plan: Plan, step: Step) -> tuple[After, ...]:
    """Return the events that a step may legally be tied to, the recorded one first.

    Beside it: the client's own doing before it, since a client need not wait for an answer that it
    does not use; and the nearest step of another connection, since they may come together.
    """
    found = [step.after, own_before(step), _nearest_elsewhere(plan, step)]
    return tuple(event for event in dict.fromkeys(found) if event is not None and event != START)


def own_before(step: Step) -> After | None:
    """Return what the client did on this connection before the step."""
    if step.index == 0:
        return None
    if step.index == 1:
        return After(Kind.OPEN, step.connection)
    return After(Kind.STEP, step.connection, step.index - 1)


def by_promise(plan: Plan) -> list[Step]:
    """Return the steps, those first whose moving is most likely to matter: goodbyes come last."""
    return sorted(plan.steps(), key=lambda step: isinstance(step.action, End))


def _nearest_elsewhere(plan: Plan, step: Step) -> After | None:
    """Return the step of another connection that was recorded closest before this one.

    Only while this connection was open: what was done before that does not compete with it. An
    opening is compared with whatever was done before it.
    """
    began_ns = plan.connections[step.connection][0].recorded_at_ns if step.index > 0 else 0
    before = [
        other
        for other in plan.steps()
        if other.connection != step.connection
        and began_ns <= other.recorded_at_ns <= step.recorded_at_ns
    ]
    nearest = max(before, key=lambda other: other.recorded_at_ns, default=None)
    return None if nearest is None else nearest.as_event


def is_near(gap_ns: int, recorded_ns: int | None) -> bool:
    """Whether a gap is nearly the usual one."""
    if recorded_ns is None:
        return False
    return abs(gap_ns - recorded_ns) <= NEAR_RECORDED * max(gap_ns, recorded_ns, 1)
