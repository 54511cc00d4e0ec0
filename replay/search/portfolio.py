"""What is drawn once all that was thought of is tried: several strategies, each with its share.

No strategy finds every race, and each finds some that the others take long for: changes grown from
what runs showed (`guided`), every step at a time of its own, a connection that is starved, and
connections by drawn priorities (PCT: Burckhardt et al., ASPLOS 2010).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from replay.perturbations import Gap
from replay.plan import START, Plan, Step
from replay.search import Edits
from replay.search.candidates.gaps import own_before
from replay.search.guided import Guided
from replay.search.trace import Trace

if TYPE_CHECKING:
    from random import Random

# In the order of the strategies above, percent.
SHARES = (70, 10, 10, 10)
# Log-uniform: small and large times alike.
SHORTEST_NS, LONGEST_NS = 500_000, 30_000_000_000
# How many orders of events a race may need: bugs of a greater depth are rare.
MOST_DEPTH = 3
MOST_DRAWS = 20


@dataclass(slots=True)
class Portfolio:
    """Draws changes; hears of runs that passed."""

    plan: Plan
    chance: Random
    _guided: Guided = field(init=False)
    _drawn: set[Edits] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._guided = Guided(self.plan, self.chance)

    def tell(self, edits: Edits, trace: Trace) -> None:
        """Hear what a run did that passed."""
        self._guided.tell(edits, trace)

    def draw(self) -> Edits | None:
        """Return a change that was not drawn before, if one is found soon."""
        strategies: list[Callable[[], Edits | None]] = [
            self._guided.draw,
            self._every_step,
            self._starved,
            self._by_priority,
        ]
        for _ in range(MOST_DRAWS):
            (draw,) = self.chance.choices(strategies, SHARES)
            edits = draw()
            if edits and edits not in self._drawn:
                self._drawn.add(edits)
                return edits
        return None

    def _every_step(self) -> Edits:
        """Take every step at a time of its own after what it follows."""
        return tuple(self._later(step, self._time_ns()) for step in self._movable())

    def _starved(self) -> Edits:
        """Have one connection wait long before each of its steps, from some step on."""
        movable = self._movable()
        if not movable:
            return ()
        first = self.chance.choice(movable)
        time_ns = self._time_ns()
        return tuple(
            self._later(step, time_ns)
            for step in movable
            if step.connection == first.connection and step.index >= first.index
        )

    def _by_priority(self) -> Edits:
        """Have the connection of the highest priority go on; at drawn points it gets the lowest.

        It goes on at its own pace; what is changed is who goes on after whom. Who came when another
        had left does so still: it may be the same client.
        """
        left = {
            name: [step for step in self.plan.steps() if step.connection == name]
            for name in self.plan.connections
        }
        if len(left) < 2:
            return ()
        names = list(left)
        self.chance.shuffle(names)
        count = sum(map(len, left.values()))
        depth = self.chance.randint(1, MOST_DEPTH)
        points = {self.chance.randrange(1, max(2, count)) for _ in range(depth - 1)}
        order: list[Step] = []
        while len(order) < count:
            if len(order) in points:
                last = order[-1].connection
                names.remove(last)
                names.append(last)
            name = next(name for name in names if left[name] and self._may_go_on(left, name))
            order.append(left[name].pop(0))
        gap_ns = self._time_ns() if self.chance.random() < 0.5 else 0
        return tuple(
            Gap(step.connection, step.index, before.as_event, gap_ns)
            for before, step in pairwise(order)
            if before.connection != step.connection
        )

    def _may_go_on(self, left: Mapping[str, Sequence[Step]], name: str) -> bool:
        """Whether all are done that had left when a connection was opened."""
        opened_ns = self.plan.connections[name][0].recorded_at_ns
        return all(
            not steps or steps[-1].recorded_at_ns > opened_ns
            for other, steps in left.items()
            if other != name
        )

    def _movable(self) -> list[Step]:
        return [step for step in self.plan.steps() if own_before(step) is not None]

    def _later(self, step: Step, gap_ns: int) -> Gap:
        return Gap(step.connection, step.index, own_before(step) or START, gap_ns)

    def _time_ns(self) -> int:
        return round(math.exp(self.chance.uniform(math.log(SHORTEST_NS), math.log(LONGEST_NS))))
