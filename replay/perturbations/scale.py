"""Stretch or squeeze every gap."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import StepFree
from replay.plan import Action, Fragment, Open, Plan, Send, Step

MOST = 1_000.0


@dataclass(frozen=True, slots=True)
class Scale(StepFree):
    """Multiply all times of the client by `factor`: on one connection, or without one on all."""

    name: ClassVar[str] = "scale"

    factor: float
    connection: str = ""

    def __post_init__(self) -> None:
        self.expect(0 <= self.factor <= MOST, f"a factor from 0 to {MOST:.0f}")

    def shrinks(self, plan: Plan) -> Iterator[Scale]:
        """Yield factors nearer to 1."""
        for share in (0.0, 0.5, 0.75):
            gentler = replace(self, factor=1 + (self.factor - 1) * share)
            if gentler != self:
                yield gentler

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        steps = plan.of(self.connection) if self.connection else plan.steps()
        return plan.with_steps(self._scaled(step) for step in steps)

    def _scaled(self, step: Step) -> Step:
        return replace(
            step,
            gap_ns=self._times(step.gap_ns),
            recorded_at_ns=self._times(step.recorded_at_ns),
            action=self._scaled_action(step.action),
        )

    def _scaled_action(self, action: Action) -> Action:
        match action:
            case Open(upgrade_delay_ns=delay_ns):
                return replace(action, upgrade_delay_ns=self._times(delay_ns))
            case Send(fragments=fragments):
                scaled = (Fragment(f.payload, self._times(f.offset_ns)) for f in fragments)
                return replace(action, fragments=tuple(scaled))
        return action

    def _times(self, time_ns: int) -> int:
        return round(time_ns * self.factor)
