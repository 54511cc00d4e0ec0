"""Let time pass between the TCP connection and the upgrade request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from replay.errors import PlanError
from replay.plan import Open, Plan


@dataclass(frozen=True, slots=True)
class HandshakeDelay:
    """Ask for the upgrade `by_ns` after TCP is connected, instead of at the recorded time."""

    name: ClassVar[str] = "handshake_delay"

    connection: str
    by_ns: int

    def __post_init__(self) -> None:
        if self.by_ns < 0:
            raise PlanError(f"handshake delay is {self.by_ns / 1e6} ms, expected 0 or more")

    @property
    def step(self) -> int:
        """The step it changes: the opening."""
        return 0

    @property
    def value_ns(self) -> int:
        """The one number that a search varies."""
        return self.by_ns

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return f"{self.connection} TCP connect"

    def recorded_ns(self, plan: Plan) -> int | None:
        """Return what the recording has in place of the value."""
        action = plan.step(self.connection, self.step).action
        return action.upgrade_delay_ns if isinstance(action, Open) else None

    def with_value(self, value_ns: int) -> HandshakeDelay:
        """Return the same edit with another value."""
        return replace(self, by_ns=value_ns)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        step = plan.step(self.connection, self.step)
        if not isinstance(step.action, Open):
            raise PlanError(f"{step.name} does not open a connection")
        return plan.with_step(
            replace(step, action=replace(step.action, upgrade_delay_ns=self.by_ns))
        )

    def to_json(self) -> dict[str, Any]:
        """Return the edit as it stands in a finding."""
        return {
            "perturbation": self.name,
            "connection": self.connection,
            "step": self.step,
            "by_ms": self.by_ns / 1e6,
        }

    @classmethod
    def from_json(cls, edit: Mapping[str, Any]) -> HandshakeDelay:
        """Read what `to_json` wrote."""
        return cls(connection=str(edit["connection"]), by_ns=round(edit["by_ms"] * 1e6))
