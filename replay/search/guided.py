"""Changes of two and three steps, grown from those that brought events into a new order.

What a server does follows from the order in which things reach it. A change that showed an order
that no run had before is worth another step, put before or after what happened in that very run.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from replay.perturbations import Gap
from replay.plan import Plan
from replay.search import Edits
from replay.search.candidates.gaps import own_before
from replay.search.trace import Trace

if TYPE_CHECKING:
    from random import Random

MOST_EDITS = 3
# How far before or after an event a step is put: log-uniform, as nobody knows how narrow it is.
NEAREST_NS, FARTHEST_NS = 100_000, 30_000_000
MOST_DRAWS = 200


@dataclass(slots=True)
class Guided:
    """Draws changes from what runs showed."""

    plan: Plan
    chance: Random
    _orders: set[tuple[str, str]] = field(default_factory=set)
    _grown_from: list[tuple[Edits, Trace]] = field(default_factory=list)
    _drawn: set[Edits] = field(default_factory=set)

    def tell(self, edits: Edits, trace: Trace) -> None:
        """Hear what a run did that passed; what showed nothing new is not grown from."""
        shown = set(pairwise(site for _, site in trace.events))
        is_new = not shown <= self._orders
        self._orders |= shown
        if is_new and len(edits) < MOST_EDITS and all(isinstance(edit, Gap) for edit in edits):
            self._grown_from.append((edits, trace))

    def draw(self) -> Edits | None:
        """Return a change that was not drawn before, if one is found soon."""
        for _ in range(MOST_DRAWS if self._grown_from else 0):
            edits, trace = self.chance.choice(self._grown_from)
            gap = self._gap(trace, {(edit.connection, edit.step) for edit in edits})
            if gap is not None and (*edits, gap) not in self._drawn:
                self._drawn.add((*edits, gap))
                return (*edits, gap)
        return None

    def _gap(self, trace: Trace, edited: set[tuple[str, int]]) -> Gap | None:
        """Return a step that is not edited yet, put beside an event after what it follows."""
        step = self.chance.choice(list(self.plan.steps()))
        own = own_before(step)
        origin_ns = None if own is None else trace.done_ns.get(own)
        if own is None or origin_ns is None or (step.connection, step.index) in edited:
            return None
        later: dict[str, list[int]] = {}
        for at_ns, site in trace.events:
            if at_ns > origin_ns:
                later.setdefault(site, []).append(at_ns)
        if not later:
            return None
        # What comes often, such as a heartbeat, is no likelier than what comes once.
        beside_ns = self.chance.choice(later[self.chance.choice(sorted(later))])
        by_ns = math.exp(self.chance.uniform(math.log(NEAREST_NS), math.log(FARTHEST_NS)))
        side = self.chance.choice((-1, 1))
        gap_ns = beside_ns - origin_ns + round(side * by_ns)
        return Gap(step.connection, step.index, own, gap_ns) if gap_ns >= 0 else None
