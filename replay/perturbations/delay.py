"""Take a step later than its pace wants it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import Added
from replay.plan import Plan


@dataclass(frozen=True, slots=True)
class Delay(Added):
    """Let `by_ns` more pass before a step; what follows on its connection comes later too."""

    name: ClassVar[str] = "delay"
    varied: ClassVar[str] = "by_ns"

    connection: str
    step: int
    by_ns: int

    def __post_init__(self) -> None:
        self.expect(self.by_ns >= 0, "a by_ms of 0 or more")

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        step = plan.step(self.connection, self.step)
        return plan.with_steps([replace(step, late_ns=step.late_ns + self.by_ns)])
