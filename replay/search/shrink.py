"""The fewest of several edits that still fail: delta debugging by ask and tell.

Halves first, then what is left without each part, in ever smaller parts (Zeller and Hildebrandt,
"Simplifying and isolating failure-inducing input", 2002).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from replay.oracles.verdict import Verdict
from replay.search import Edits


@dataclass(slots=True)
class Shrink:
    """Shrinks `failing`. Fewer edits are asked `repeats` times, or until they fail."""

    failing: Edits
    repeats: int = 1
    _parts: int = 2
    _queue: list[Edits] = field(init=False)
    _passes: int = 0
    _passed: set[Edits] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._queue = self._fewer()

    def ask(self) -> Edits | None:
        """Return the next edits to try, fewer than what fails; None when none of it can go."""
        while not self._queue:
            if self._parts >= len(self.failing):
                return None
            self._parts = min(2 * self._parts, len(self.failing))
            self._queue = self._fewer()
        return self._queue[0]

    def tell(self, edits: Edits, verdict: Verdict) -> None:
        """Hear of one run of what was asked for; an unknown one counts as passing."""
        if verdict is Verdict.FAIL:
            self.failing = edits
            self._parts = 2
            self._passes = 0
            self._queue = self._fewer()
            return
        self._passes += 1
        if self._passes >= self.repeats:
            self._passes = 0
            self._passed.add(edits)
            self._queue.remove(edits)

    def _fewer(self) -> list[Edits]:
        """Return the parts, and the rest without each, as far as they have not passed."""
        if len(self.failing) < 2:
            return []
        parts = list(self._in_parts())
        without = [tuple(edit for edit in self.failing if edit not in part) for part in parts]
        fewer = dict.fromkeys((*parts, *without))
        return [edits for edits in fewer if edits and edits not in self._passed]

    def _in_parts(self) -> Iterator[Edits]:
        size, more = divmod(len(self.failing), self._parts)
        begins = 0
        for number in range(self._parts):
            ends = begins + size + (number < more)
            yield self.failing[begins:ends]
            begins = ends
