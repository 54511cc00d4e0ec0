"""Which single change to try next: the candidates in their order, each once."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field

from replay.errors import PlanError
from replay.oracles.verdict import Verdict
from replay.perturbations import Perturbation
from replay.plan import Plan
from replay.search import Edits
from replay.search.candidates import NOTHING_ELSE, Changeable, candidates


@dataclass(slots=True)
class Sweep:
    """Asks for one single edit after the other, and remembers what was told of each."""

    plan: Plan
    changeable: Changeable = NOTHING_ELSE
    told: list[tuple[Perturbation, Verdict]] = field(default_factory=list)
    _queue: deque[Perturbation] = field(init=False)
    _asked_again: set[Perturbation] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._queue = deque(candidates(self.plan, self.changeable))

    def ask(self) -> Edits | None:
        """Return the next single edit that this plan allows."""
        batch = self.ask_some(1)
        return batch[0] if batch else None

    def ask_some(self, most: int) -> list[Edits]:
        """Return the next single edits, no more than `most`; none when all were tried."""
        batch: list[Edits] = []
        while len(batch) < most and len(self._queue) > len(batch):
            edit = self._queue[len(batch)]
            try:
                edit.apply(self.plan)
            except PlanError:
                # Such as steps that need each other and cannot be brought together.
                del self._queue[len(batch)]
            else:
                batch.append((edit,))
        return batch

    def tell(self, edits: Edits, verdict: Verdict) -> None:
        """Hear the verdict on the first edit asked for; an unknown one is asked once more."""
        edit = self._queue.popleft()
        if verdict is Verdict.UNKNOWN and edit not in self._asked_again:
            self._asked_again.add(edit)
            self._queue.append(edit)
        self.told.append((edit, verdict))

    @property
    def left(self) -> int:
        """How many edits there still are to try."""
        return len(self._queue)

    @property
    def kinds(self) -> dict[str, int]:
        """How many edits of each kind were tried."""
        return dict(Counter(edit.name for edit, _ in self.told))
