"""What is around the connections: a restart of the server, faults of the services behind it.

Only what the user gave the means for. A server comes back in its own time, so restarts are tried at
many distances before each opening; a dependency is slow, or hangs, while something opens or runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replay.fault_proxy import Blackhole, Down, Latency
from replay.perturbations import RestartServer, ServiceFault
from replay.plan import START, After, Kind, Plan, Step
from replay.search.candidates.ranked import AT_ONCE, COARSE, FINE, FINER, ROUGH, Ranked


@dataclass(frozen=True, slots=True)
class Changeable:
    """What of the surroundings may be changed: whether the server, and which fault proxies."""

    restarts: bool = False
    proxies: tuple[str, ...] = ()


NOTHING_ELSE = Changeable()

BEFORE_MS: dict[int, tuple[float, ...]] = {
    AT_ONCE: (300,),
    COARSE: (0, 1_000),
    ROUGH: (100, 600),
    FINE: (30, 1_700, 3_000),
}
LATENCIES_MS = {AT_ONCE: (100,), COARSE: (1_000,), ROUGH: (300,), FINER: (30, 3_000)}
# Not to the end: a server that never gets what it needs is right to refuse.
OUTAGES_MS: dict[int, tuple[float, ...]] = {COARSE: (9_000,), ROUGH: (2_000,), FINER: (500,)}


def surroundings(plan: Plan, changeable: Changeable) -> Iterator[Ranked]:
    """Yield restarts before openings and messages; services that are slow, hang or are away."""
    if changeable.restarts:
        yield from _restarts(plan)
    for proxy in changeable.proxies:
        for number, delays_ms in LATENCIES_MS.items():
            for delay_ms in delays_ms:
                slow = Latency(delay_ns=round(delay_ms * 1e6))
                yield number, ServiceFault(proxy, START, fault=slow)
        yield from _outages(plan, proxy)


def _restarts(plan: Plan) -> Iterator[Ranked]:
    for number, times_ms in BEFORE_MS.items():
        for step in plan.steps():
            later = number if step.index == 0 else max(number, ROUGH)
            for before_ms in times_ms:
                edit = _restart_before(plan, step, round(before_ms * 1e6))
                if edit is not None:
                    yield later, edit


def _outages(plan: Plan, proxy: str) -> Iterator[Ranked]:
    for number, outages_ms in OUTAGES_MS.items():
        for outage_ms in outages_ms:
            for after, gap_ns in _in_the_middle(plan):
                for_ns = round(outage_ms * 1e6)
                yield number, ServiceFault(proxy, after, gap_ns, for_ns, fault=Blackhole())
                yield number + 1, ServiceFault(proxy, after, gap_ns, for_ns, fault=Down())


def _in_the_middle(plan: Plan) -> Iterator[tuple[After, int]]:
    """Yield where a service goes away: once each connection is open, and before later ones.

    Not before the first: a server that never had what it needs is right to refuse.
    """
    for name, steps in plan.connections.items():
        yield After(Kind.OPEN, name), 0
        if steps[0].after != START:
            yield steps[0].after, steps[0].gap_ns // 2


def before_openings(plan: Plan) -> Iterator[tuple[After, int]]:
    """Yield where something is under way when a connection opens: an event, and a gap after it.

    Half-way between what was done before and the opening, so that what was open before is in peace.
    """
    for steps in plan.connections.values():
        opens = steps[0]
        if opens.after == START:
            yield START, 0
        else:
            yield opens.after, opens.gap_ns // 2


def _restart_before(plan: Plan, step: Step, before_ns: int) -> RestartServer | None:
    """Return a restart so long before the usual time of a step; None where nothing is to cut."""
    at_ns = step.recorded_at_ns - before_ns
    earlier = [
        (event_ns, event) for event, event_ns in plan.recorded_ns.items() if event_ns <= at_ns
    ]
    if not earlier:
        return None
    event_ns, event = max(earlier, key=lambda pair: pair[0])
    return RestartServer(event, at_ns - event_ns)
