"""Let time pass within the handshake."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import Edit
from replay.plan import After, Kind, Open, Plan

UPGRADE, FIRST_FRAME = "upgrade", "first_frame"


@dataclass(frozen=True, slots=True)
class HandshakeDelay(Edit):
    """Wait `by_ns` within the handshake, instead of as long as recorded.

    `before` the "upgrade": between the TCP connection and the upgrade request. Before the
    "first_frame": between the server's 101 and what the client sends or does next.
    """

    name: ClassVar[str] = "handshake_delay"
    varied: ClassVar[str] = "by_ns"

    connection: str
    by_ns: int
    before: str = UPGRADE

    def __post_init__(self) -> None:
        self.expect(self.by_ns >= 0, "a by_ms of 0 or more")
        known = self.before in (UPGRADE, FIRST_FRAME)
        self.expect(known, f"before to be {UPGRADE} or {FIRST_FRAME}")

    @property
    def step(self) -> int:
        """The step that it changes."""
        return 0 if self.before == UPGRADE else 1

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return f"{self.connection} {'TCP connect' if self.before == UPGRADE else 'open'}"

    def recorded_ns(self, plan: Plan) -> int | None:
        """Return what the recording has in place of the value."""
        step = plan.step(self.connection, self.step)
        if isinstance(step.action, Open):
            return step.action.upgrade_delay_ns
        return plan.recorded_gap_ns(step, After(Kind.OPEN, self.connection))

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        step = plan.step(self.connection, self.step)
        if isinstance(step.action, Open):
            action = replace(step.action, upgrade_delay_ns=self.by_ns)
            return plan.with_steps([replace(step, action=action)])
        opened = After(Kind.OPEN, self.connection)
        changed = replace(step, after=opened, gap_ns=self.by_ns, late_ns=0, pinned=True)
        return plan.with_steps([changed])
