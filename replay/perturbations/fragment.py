"""Send a message in several frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import Edit, fewer
from replay.plan import Pieces, Plan, Send

MOST_PIECES = 10_000


@dataclass(frozen=True, slots=True)
class Refragment(Edit):
    """Cut a message into `pieces` frames, `every_ns` from one to the next; 1 joins the recorded."""

    name: ClassVar[str] = "fragment"
    varied: ClassVar[str] = "every_ns"

    connection: str
    step: int
    pieces: int
    every_ns: int = 0

    def __post_init__(self) -> None:
        self.expect(1 <= self.pieces <= MOST_PIECES, f"1 to {MOST_PIECES} pieces")
        self.expect(self.every_ns >= 0, "an every_ms of 0 or more")

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return "the fragment before"

    def shrinks(self, plan: Plan) -> Iterator[Refragment]:
        """Yield fewer pieces."""
        for pieces in fewer(self.pieces, least=2):
            yield replace(self, pieces=pieces)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        step = plan.step(self.connection, self.step)
        if not isinstance(step.action, Send):
            raise self.wrong("a step that sends a message")
        action = replace(step.action, refragmented=Pieces(self.pieces, self.every_ns))
        return plan.with_steps([replace(step, action=action)])
