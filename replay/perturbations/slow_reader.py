"""Read slowly, or not at all for a while: the server's sends pile up."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import StepFree
from replay.plan import After, Cue, Kind, Plan, Reading

RECEIVE_BUFFER_BYTES = 4_096


@dataclass(frozen=True, slots=True)
class SlowReader(StepFree):
    """Stop reading `gap_ns` after an event for `for_ns`; None is to the end.

    Without `after` it begins with the handshake's answer. With `bytes_per_s` the client reads from
    begin to end, but no faster. A small receive buffer lets the server feel it early.
    """

    name: ClassVar[str] = "slow_reader"
    varied: ClassVar[str] = "for_ns"

    connection: str
    for_ns: int | None = None
    after: After | None = None
    gap_ns: int = 0
    bytes_per_s: int | None = None
    receive_buffer_bytes: int = RECEIVE_BUFFER_BYTES

    def __post_init__(self) -> None:
        self.expect(self.for_ns is None or self.for_ns >= 0, "a for_ms of 0 or more, or none")
        self.expect(self.gap_ns >= 0, "a gap_ms of 0 or more")
        self.expect(self.bytes_per_s is None or self.bytes_per_s > 0, "a bytes_per_s above 0")
        stops = self.for_ns is not None or self.after is not None or self.gap_ns > 0
        both = self.bytes_per_s is not None and stops
        self.expect(not both, "either a bytes_per_s, which holds throughout, or a while to stop")
        self.expect(self.receive_buffer_bytes > 0, "a receive_buffer_bytes above 0")

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return str(self._begins)

    @property
    def _begins(self) -> After:
        return After(Kind.OPEN, self.connection) if self.after is None else self.after

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        network = replace(
            plan.network_of(self.connection),
            read_bytes_per_s=self.bytes_per_s,
            receive_buffer_bytes=self.receive_buffer_bytes,
        )
        plan = plan.with_network(self.connection, network)
        # Who reads nothing answers no ping, and a server that gives up on it is right.
        reads = self.bytes_per_s is not None
        owed = plan.owed_to(self.connection).less(replies=False, ending=reads, grace=reads)
        plan = plan.with_owed(self.connection, owed)
        if self.bytes_per_s is not None:
            return plan
        plan = plan.with_cues(Cue(self._begins, self.gap_ns, Reading(self.connection, paused=True)))
        if self.for_ns is None:
            return plan
        ends = Cue(self._begins, self.gap_ns + self.for_ns, Reading(self.connection, paused=False))
        return unread(plan, self.connection, self.for_ns).with_cues(ends)


def unread(plan: Plan, connection: str, for_ns: int) -> Plan:
    """Return the plan with longer patience for what comes on a connection that hears nothing."""
    waiting = [
        step
        for step in plan.steps()
        if (step.connection == connection and step.index > 0)
        or any(
            event.connection == connection and event.kind is Kind.MESSAGE
            for event in (step.after, *step.needs)
        )
    ]
    return plan.with_steps(
        replace(step, expected_wait_ns=step.expected_wait_ns + for_ns) for step in waiting
    )
