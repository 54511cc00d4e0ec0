"""Hold what a client sends, and release it all at once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import Added
from replay.plan import Kind, Plan, Step


@dataclass(frozen=True, slots=True)
class Hold(Added):
    """Hold a connection's messages from `step` on for `for_ns`, as a stalled network does.

    What the client would have sent meanwhile without waiting for an answer comes with the release.
    """

    name: ClassVar[str] = "hold"
    varied: ClassVar[str] = "for_ns"

    connection: str
    step: int
    for_ns: int

    def __post_init__(self) -> None:
        self.expect(self.for_ns >= 0, "a for_ms of 0 or more")

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        first = plan.step(self.connection, self.step)
        changed = [replace(first, late_ns=first.late_ns + self.for_ns)]
        # How much longer it holds at the usual time of each next step.
        left_ns = self.for_ns
        for step in plan.of(self.connection)[self.step + 1 :]:
            if not _follows_itself(step) or left_ns <= 0:
                break
            changed.append(replace(step, gap_ns=max(0, step.gap_ns - left_ns), pinned=True))
            left_ns -= step.gap_ns
        return plan.with_steps(changed)


def _follows_itself(step: Step) -> bool:
    """Whether a step waits for nothing but the client's own step before it."""
    own = step.after.kind is Kind.STEP and step.after.connection == step.connection
    return own and step.after.index == step.index - 1
