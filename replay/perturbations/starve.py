"""Let nothing through on a connection for a while, in either direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from replay.perturbations.edit import Added
from replay.perturbations.hold import Hold
from replay.perturbations.slow_reader import SlowReader
from replay.plan import Plan


@dataclass(frozen=True, slots=True)
class Starve(Added):
    """From `step` on hold what the client sends and read nothing for `for_ns`; then all flows.

    Longer than a timer of the server it shows what the timer does to a client that is only slow.
    """

    name: ClassVar[str] = "starve"
    varied: ClassVar[str] = "for_ns"

    connection: str
    step: int
    for_ns: int

    def __post_init__(self) -> None:
        self.expect(self.step >= 1, "a step of 1 or more, as step 0 opens the connection")
        self.expect(self.for_ns >= 0, "a for_ms of 0 or more")

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        plan = Hold(self.connection, self.step, self.for_ns).apply(plan)
        first = plan.step(self.connection, self.step)
        return SlowReader(self.connection, self.for_ns, first.after, first.gap_ns).apply(plan)
