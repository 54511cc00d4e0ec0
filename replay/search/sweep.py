"""Which change to try next: the candidates in their order, each once."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from replay.errors import PlanError
from replay.oracles.verdict import Verdict
from replay.perturbations import perturbed
from replay.plan import Plan
from replay.search import Edits
from replay.search.candidates import NOTHING_ELSE, Changeable, candidates
from replay.search.exhausted import Exhausted, exhausted
from replay.search.portfolio import Portfolio
from replay.search.trace import NO_TRACE, Trace

if TYPE_CHECKING:
    from random import Random

# After so many changes that were thought of, every so many are grown from what the runs showed.
GROWN_FROM, GROWN_EVERY = 200, 4
MOST_DRAWS = 20


@dataclass(slots=True)
class Sweep:
    """Asks for one change after the other, and remembers what was told of each.

    Without `chance` none is drawn. `trace` is an unperturbed run; `portfolio` draws changes, also
    from what runs showed, and if it `grows_on` then so when all else was tried.
    """

    plan: Plan
    changeable: Changeable = NOTHING_ELSE
    chance: Random | None = None
    trace: Trace = NO_TRACE
    portfolio: Portfolio | None = None
    grows_on: bool = False
    told: list[tuple[Edits, Verdict]] = field(default_factory=list)
    _queue: deque[Edits] = field(init=False)
    _grown_at: int = -1
    _asked_again: set[Edits] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._queue = deque(candidates(self.plan, self.changeable, self.chance, self.trace))

    def ask(self) -> Edits | None:
        """Return the next edits that this plan allows."""
        batch = self.ask_some(1)
        return batch[0] if batch else None

    def ask_some(self, most: int) -> list[Edits]:
        """Return the next changes, no more than `most`; none when all were tried."""
        self._grow()
        batch: list[Edits] = []
        while len(batch) < most and len(self._queue) > len(batch):
            edits = self._queue[len(batch)]
            if self._is_legal(edits):
                batch.append(edits)
            else:
                del self._queue[len(batch)]
        return batch

    def _is_legal(self, edits: Edits) -> bool:
        """Whether the plan allows it; steps that need each other cannot be brought together."""
        try:
            perturbed(self.plan, edits)
        except PlanError:
            return False
        return True

    def _grow(self) -> None:
        """Have every so many changes one that was grown, once the likely ones were tried."""
        tried = len(self.told)
        is_turn = tried >= GROWN_FROM and tried % GROWN_EVERY == 0 and tried != self._grown_at
        if self.portfolio is None or not (is_turn if self._queue else self.grows_on):
            return
        self._grown_at = tried
        for _ in range(MOST_DRAWS):
            edits = self.portfolio.draw()
            if edits is not None and self._is_legal(edits):
                self._queue.appendleft(edits)
                return

    def tell(self, edits: Edits, verdict: Verdict, trace: Trace = NO_TRACE) -> None:
        """Hear the verdict on the first change asked for, and what its run did.

        An unknown one is asked once more.
        """
        self._queue.popleft()
        if self.portfolio is not None and verdict is Verdict.PASS:
            self.portfolio.tell(edits, trace)
        if verdict is Verdict.UNKNOWN and edits not in self._asked_again:
            self._asked_again.add(edits)
            self._queue.append(edits)
        self.told.append((edits, verdict))

    @property
    def left(self) -> int:
        """How many changes there still are to try."""
        return len(self._queue)

    @property
    def exhausted(self) -> tuple[Exhausted, ...]:
        """What was tried all of."""
        return tuple(exhausted(self.plan, self.trace, dict(self.told), set(self._queue)))

    @property
    def kinds(self) -> dict[str, int]:
        """How many changes of each kind were tried."""
        return dict(Counter(_kind(edits) for edits, _ in self.told))


def _kind(edits: Edits) -> str:
    """Return what a change is made of, as in "gap x 2 + reset"."""
    counts = Counter(edit.name for edit in edits)
    return " + ".join(name if n == 1 else f"{name} x {n}" for name, n in counts.items())
