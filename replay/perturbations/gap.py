"""Take a step a given time after the event that it follows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import Edit
from replay.plan import After, Plan


@dataclass(frozen=True, slots=True)
class Gap(Edit):
    """Let `gap_ns` pass between the event `after` and the step, whatever the pace.

    Later steps keep their own gaps. Legality holds: the step still waits for its handshake, for the
    steps before it, and for the messages whose values it echoes.
    """

    name: ClassVar[str] = "gap"
    varied: ClassVar[str] = "gap_ns"

    connection: str
    step: int
    after: After
    gap_ns: int

    def __post_init__(self) -> None:
        self.expect(self.gap_ns >= 0, "a gap_ms of 0 or more")

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return str(self.after)

    def recorded_ns(self, plan: Plan) -> int | None:
        """Return what the recording has in place of the value; None when it has none."""
        return plan.recorded_gap_ns(plan.step(self.connection, self.step), self.after)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        step = plan.step(self.connection, self.step)
        changed = replace(step, after=self.after, gap_ns=self.gap_ns, late_ns=0, pinned=True)
        return plan.with_steps([changed])
