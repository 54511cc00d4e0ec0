"""Send a frame, or the upgrade request, in several segments of TCP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import Edit, fewer
from replay.plan import End, Pieces, Plan

MOST_PIECES = 10_000


@dataclass(frozen=True, slots=True)
class Dribble(Edit):
    """Cut the bytes of a step into `pieces` segments, `every_ns` from one to the next.

    Step 0 is the upgrade request.
    """

    name: ClassVar[str] = "dribble"
    varied: ClassVar[str] = "every_ns"

    connection: str
    step: int
    pieces: int
    every_ns: int = 1_000_000

    def __post_init__(self) -> None:
        self.expect(2 <= self.pieces <= MOST_PIECES, f"2 to {MOST_PIECES} pieces")
        self.expect(self.every_ns >= 0, "an every_ms of 0 or more")

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return "the segment before"

    def shrinks(self, plan: Plan) -> Iterator[Dribble]:
        """Yield fewer pieces."""
        for pieces in fewer(self.pieces, least=2):
            yield replace(self, pieces=pieces)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        step = plan.step(self.connection, self.step)
        action = step.action
        if isinstance(action, End):
            raise self.wrong("a step that opens or sends")
        segments = Pieces(self.pieces, self.every_ns)
        return plan.with_steps([replace(step, action=replace(action, segments=segments))])
