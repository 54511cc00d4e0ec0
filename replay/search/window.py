"""The edges of the failing window: from one failing gap outwards, by bisection on both sides.

A point fails when any of its repeats fails; how many repeats it takes follows from how often the
first failing point did. An edge that lies beyond what may be tried stays unknown.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from replay.oracles.verdict import Verdict
from replay.search import Edits

RELATIVE_WIDTH = 0.05
FINEST_NS = 300_000
# How much of the window may be untried in one stretch; less where the search went on in leaps.
MOST_UNTRIED, LEAST_UNTRIED, LEAP = 0.4, 0.1, 1.8
GOLDEN = 0.382

WithValue = Callable[[int], Edits]


@dataclass(frozen=True, slots=True)
class Window:
    """Where the failure shows, in nanoseconds; None for an edge that was not found."""

    low_ns: int | None
    high_ns: int | None


@dataclass(slots=True)
class WindowSearch:
    """Bisects both edges around `failing_ns`.

    `with_value` makes the edits of a value. `passing_ns` are values known to pass. `highest_ns` is
    the largest value that may be tried. Each point is asked `repeats` times, or until it fails.
    Raised `repeats` have the edges asked again, and moved outwards if they fail after all.
    """

    with_value: WithValue
    failing_ns: int
    passing_ns: tuple[int, ...]
    highest_ns: int
    repeats: int
    _failing: set[int] = field(init=False)
    _passing: set[int] = field(init=False)
    _asked: int | None = None
    _passes: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._failing = {self.failing_ns}
        self._passing = set(self.passing_ns)

    def ask(self) -> Edits | None:
        """Return the edits of the next point, or None when both edges are known well enough."""
        self._asked = self._next()
        return None if self._asked is None else self.with_value(self._asked)

    def tell(self, edits: Edits, verdict: Verdict) -> None:
        """Hear of one repeat of the point asked for; an unknown run counts for nothing."""
        if self._asked is None or verdict is Verdict.UNKNOWN:
            return
        if verdict is Verdict.FAIL:
            self._failing.add(self._asked)
            self._passing.discard(self._asked)
            return
        self._passes[self._asked] += 1
        if self._passes[self._asked] >= self.repeats:
            self._passing.add(self._asked)

    @property
    def window(self) -> Window:
        """What is known by now; an edge is put half-way between failing and passing."""
        lowest, highest = self._lowest_failing(), self._highest_failing()
        below, above = self._passing_below(), self._passing_above()
        low_ns = 0 if lowest == 0 else None if below is None else (below + lowest) // 2
        high_ns = None if above is None else (highest + above) // 2
        return Window(low_ns, high_ns)

    @property
    def innermost_ns(self) -> int:
        """The failing value nearest the middle of the window, where it fails most surely."""
        lowest, highest = self._lowest_failing(), self._highest_failing()
        middle = (lowest + highest) // 2
        within = (at for at in self._failing if lowest <= at <= highest)
        return min(within, key=lambda at: abs(at - middle))

    def _next(self) -> int | None:
        """Return the point to try next: that an edge exists, where it is, what is in between."""
        lowest, highest = self._lowest_failing(), self._highest_failing()
        below, above = self._passing_below(), self._passing_above()
        if lowest > 0 and below is None:
            return 0
        if above is None and highest < self.highest_ns:
            return min(self.highest_ns, max(2 * highest, FINEST_NS))
        # Of a window far away from 0 its own width counts, as far as that is known.
        width_ns = (highest if above is None else above) - (below or 0)
        if above is not None and not _is_narrow(above - highest, min(above, width_ns)):
            return _between(highest, above)
        if below is not None and not _is_narrow(lowest - below, min(lowest, width_ns)):
            return _between(below, lowest)
        inside = self._inside(lowest, highest)
        if inside is not None:
            return inside
        return next((at for at in (above, below) if self._is_doubtful(at)), None)

    def _inside(self, lowest: int, highest: int) -> int | None:
        """Return a point in a long stretch inside that was not tried; it may be two windows."""
        width_ns = highest - lowest
        failing = sorted(at for at in self._failing if lowest <= at <= highest)
        for before, after in pairwise(failing):
            gap_ns = after - before
            is_leap = before >= self.failing_ns > 0 and after >= LEAP * before
            untried = LEAST_UNTRIED if is_leap else MOST_UNTRIED
            if gap_ns > max(FINEST_NS, untried * width_ns):
                # Not in the middle: what comes again and again may do so at twice the time.
                return before + round(GOLDEN * gap_ns)
        return None

    def _is_doubtful(self, at_ns: int | None) -> bool:
        """Whether a point passed less often than is asked of it now; what was given is certain."""
        if at_ns is None or at_ns in self.passing_ns:
            return False
        return self._passes[at_ns] < self.repeats

    def _lowest_failing(self) -> int:
        """Return the low end of the failing points around the first one."""
        floor = self._passing_below()
        return min(at for at in self._failing if floor is None or at > floor)

    def _highest_failing(self) -> int:
        ceiling = self._passing_above()
        return max(at for at in self._failing if ceiling is None or at < ceiling)

    def _passing_below(self) -> int | None:
        return max((at for at in self._passing if at < self.failing_ns), default=None)

    def _passing_above(self) -> int | None:
        return min((at for at in self._passing if at > self.failing_ns), default=None)


def _is_narrow(bracket_ns: int, width_ns: int) -> bool:
    return bracket_ns <= max(FINEST_NS, RELATIVE_WIDTH * width_ns)


def _between(low_ns: int, high_ns: int) -> int:
    """Return the middle; the geometric one where the ends are orders of magnitude apart."""
    if low_ns > FINEST_NS and high_ns > 8 * low_ns:
        return math.isqrt(low_ns * high_ns)
    return (low_ns + high_ns) // 2
