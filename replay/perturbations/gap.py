"""Take a step a given time after the event that it follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from replay.errors import PlanError
from replay.plan import After, Kind, Plan


@dataclass(frozen=True, slots=True)
class Gap:
    """Let `gap_ns` pass between the event `after` and the step, whatever the pace.

    Later steps keep their own gaps. Legality holds: the step still waits for its handshake, for the
    steps before it, and for the messages whose values it echoes.
    """

    name: ClassVar[str] = "gap"

    connection: str
    step: int
    after: After
    gap_ns: int

    def __post_init__(self) -> None:
        if self.gap_ns < 0:
            raise PlanError(f"gap is {self.gap_ns / 1e6} ms, expected 0 or more")

    @property
    def value_ns(self) -> int:
        """The one number that a search varies."""
        return self.gap_ns

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return str(self.after)

    def recorded_ns(self, plan: Plan) -> int | None:
        """Return what the recording has in place of the value; None when it has none."""
        return plan.recorded_gap_ns(plan.step(self.connection, self.step), self.after)

    def with_value(self, value_ns: int) -> Gap:
        """Return the same edit with another value."""
        return replace(self, gap_ns=value_ns)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        step = plan.step(self.connection, self.step)
        after = self.after
        if after.connection == self.connection:
            late = after.kind is Kind.CLOSED or (
                after.kind is Kind.STEP and after.index >= self.step
            )
            if late or self.step == 0:
                raise PlanError(f"{step.name} cannot follow {after}, which comes after it")
        if after.kind is Kind.STEP:
            plan.step(after.connection, after.index)
        elif after.connection and after.connection not in plan.connections:
            raise PlanError(f"{step.name} cannot follow {after}: there is no such connection")
        return plan.with_step(replace(step, after=after, gap_ns=self.gap_ns, pinned=True))

    def to_json(self) -> dict[str, Any]:
        """Return the edit as it stands in a finding."""
        return {
            "perturbation": self.name,
            "connection": self.connection,
            "step": self.step,
            "after": str(self.after),
            "gap_ms": self.gap_ns / 1e6,
        }

    @classmethod
    def from_json(cls, edit: Mapping[str, Any]) -> Gap:
        """Read what `to_json` wrote."""
        return cls(
            connection=str(edit["connection"]),
            step=int(edit["step"]),
            after=After.parse(str(edit["after"])),
            gap_ns=round(edit["gap_ms"] * 1e6),
        )
