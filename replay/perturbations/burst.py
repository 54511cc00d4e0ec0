"""Send several messages back to back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import Edit
from replay.plan import After, End, Kind, Plan


@dataclass(frozen=True, slots=True)
class Burst(Edit):
    """Send the messages from `step` to `last` at once, one after the other, waiting for no answer.

    Those that echo a value of the server still wait for it.
    """

    name: ClassVar[str] = "burst"

    connection: str
    step: int
    last: int

    def __post_init__(self) -> None:
        self.expect(1 <= self.step < self.last, "1 <= step < last")

    def shrinks(self, plan: Plan) -> Iterator[Burst]:
        """Yield shorter bursts."""
        if self.last - self.step > 1:
            yield replace(self, last=self.last - 1)
            yield replace(self, step=self.step + 1)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        changed = []
        for index in range(self.step, self.last + 1):
            step = plan.step(self.connection, index)
            self.expect(not isinstance(step.action, End), "a last that is a message, not the end")
            if index > self.step:
                before = After(Kind.STEP, self.connection, index - 1)
                step = replace(step, after=before, gap_ns=0, late_ns=0, pinned=True)
            changed.append(step)
        return plan.with_steps(changed)
