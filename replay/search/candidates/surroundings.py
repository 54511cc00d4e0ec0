"""What is around the connections: a restart of the server, faults of the services behind it.

Only what the user gave the means for. A server comes back in its own time, so restarts are tried at
many distances before each opening; a dependency is slow, or hangs, while something opens or runs.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from replay.fault_proxy import Blackhole, Down, Fault, Latency
from replay.perturbations import RestartServer, ServiceFault
from replay.plan import START, Plan, Step
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
FAULTS: dict[int, tuple[Fault, ...]] = {
    AT_ONCE: (Latency(delay_ns=100_000_000),),
    COARSE: (Blackhole(), Latency(delay_ns=1_000_000_000)),
    ROUGH: (Down(), Latency(delay_ns=300_000_000)),
    FINER: (Latency(delay_ns=30_000_000), Latency(delay_ns=3_000_000_000)),
}


def surroundings(plan: Plan, changeable: Changeable) -> Iterator[Ranked]:
    """Yield restarts before openings and messages, and faults from the start and before both."""
    if changeable.restarts:
        for number, times_ms in BEFORE_MS.items():
            for step in plan.steps():
                later = number if step.index == 0 else max(number, ROUGH)
                for before_ms in times_ms:
                    edit = _restart_before(plan, step, round(before_ms * 1e6))
                    if edit is not None:
                        yield later, edit
    for number, faults in FAULTS.items():
        for fault in faults:
            for proxy in changeable.proxies:
                yield number, ServiceFault(proxy, START, fault=fault)


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
