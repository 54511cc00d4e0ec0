"""Restart the server in the middle of a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from replay.perturbations.edit import StepFree
from replay.plan import After, Cue, Plan, Restart


@dataclass(frozen=True, slots=True)
class RestartServer(StepFree):
    """Run the restart command `gap_ns` after an event.

    The command is not part of the edit: whoever replays gives it (`--restart-command`), so that no
    file from elsewhere runs anything.
    """

    name: ClassVar[str] = "restart_server"
    varied: ClassVar[str] = "gap_ns"

    after: After
    gap_ns: int = 0

    def __post_init__(self) -> None:
        self.expect(self.gap_ns >= 0, "a gap_ms of 0 or more")

    @property
    def connection(self) -> str:
        """The connection whose event it follows."""
        return self.after.connection

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return str(self.after)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        for name in plan.connections:
            # A restart ends connections; what comes after it is what is judged.
            owed = plan.owed_to(name).less(replies=False, ending=False, grace=False)
            plan = plan.with_owed(name, owed)
        return plan.with_cues(Cue(self.after, self.gap_ns, Restart()))
