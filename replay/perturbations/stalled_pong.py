"""Answer pings late, or never."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import StepFree
from replay.plan import Plan


@dataclass(frozen=True, slots=True)
class StalledPong(StepFree):
    """Answer each ping of the server `by_ns` late; None is never.

    A server that then gives the client up does what it should.
    """

    name: ClassVar[str] = "stalled_pong"
    varied: ClassVar[str] = "by_ns"

    connection: str
    by_ns: int | None = None

    def __post_init__(self) -> None:
        self.expect(self.by_ns is None or self.by_ns >= 0, "a by_ms of 0 or more, or none")

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return "each ping"

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        network = replace(plan.network_of(self.connection), pong_delay_ns=self.by_ns)
        owed = plan.owed_to(self.connection).less(replies=False, ending=False, grace=False)
        return plan.with_network(self.connection, network).with_owed(self.connection, owed)
