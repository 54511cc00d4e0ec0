"""Steps, or their answers, just before and just after each timer of the program ends: where things
change by time.

A time-out, a heartbeat or a token's end lies where no message is, and its window may be as narrow
as a grid of gaps is wide. Only of a program in this process are its timers known.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from replay.perturbations import Gap
from replay.plan import Plan, Step
from replay.search.candidates.gaps import by_promise, is_near, own_before
from replay.search.candidates.ranked import FINEST, ROUGH, Ranked
from replay.search.trace import Trace
from replay.timers import Timer

# How far before or after the end of a timer a step comes, or its answer, in which round: closer may
# be too close, as a message takes a while, and a window may be narrow.
BY_NS = {ROUGH: (1_500_000,), FINEST: (400_000, 10_000_000, 60_000_000)}
# Timers of one place in the program that end so soon after one another are one.
SAME_NS = 300_000


def deadlines(plan: Plan, trace: Trace) -> Iterator[Ranked]:
    """Yield steps around the timers that end after what the client did before them."""
    movable = [(step, own) for step in by_promise(plan) if (own := own_before(step))]
    timers = _by_site_in_turns(trace.timers)
    for number, bys_ns in BY_NS.items():
        for timer in timers:
            for by_ns in bys_ns:
                for step, own in movable:
                    origin_ns = trace.done_ns.get(own)
                    if origin_ns is None:
                        continue
                    for early_ns in {0, trace.took_ns.get(step.as_event, 0)}:
                        for side in (-1, 1):
                            gap_ns = timer.ends_ns - early_ns + side * by_ns - origin_ns
                            if gap_ns > 0 and not _is_as_ever(trace, step, origin_ns, gap_ns):
                                yield number, Gap(step.connection, step.index, own, gap_ns)


def _is_as_ever(trace: Trace, step: Step, origin_ns: int, gap_ns: int) -> bool:
    usual_ns = trace.done_ns.get(step.as_event)
    return usual_ns is not None and is_near(gap_ns, usual_ns - origin_ns)


def _by_site_in_turns(timers: Sequence[Timer]) -> list[Timer]:
    """Return the timers, each place in the program in turn: a heartbeat has many, others one."""
    by_site: defaultdict[str, list[Timer]] = defaultdict(list)
    for timer in sorted(timers):
        own = by_site[timer.site]
        if not own or timer.ends_ns - own[-1].ends_ns > SAME_NS:
            own.append(timer)
    turns = zip_longest(*by_site.values())
    return [timer for turn in turns for timer in turn if timer is not None]
