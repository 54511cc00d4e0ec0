"""Ends that come before their time: a part of early close, reset, half-close and reconnect."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import Edit
from replay.plan import After, End, Ending, Kind, Plan, Send, Step

# How soon a server has read what reached it, however busy.
READ_WITHIN_NS = 50_000_000


@dataclass(frozen=True, slots=True)
class Cut(Edit):
    """End the connection in place of `step`, `gap_ns` after an event.

    Without `after` that is the client's own step before. Cut right after its opening (step 1, after
    step 0), the client is gone before the handshake is answered.
    """

    varied: ClassVar[str] = "gap_ns"
    ending: ClassVar[Ending]
    # Whether the system throws away what was sent just before and the server has not read yet.
    discards_unread: ClassVar[bool] = False

    connection: str
    step: int
    after: After | None = None
    gap_ns: int = 0

    def __post_init__(self) -> None:
        self.expect(self.step >= 1, "a step of 1 or more: a connection that opens can be cut")
        self.expect(self.gap_ns >= 0, "a gap_ms of 0 or more")

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return str(self.follows)

    @property
    def follows(self) -> After:
        """The event that the end follows."""
        before = After(Kind.STEP, self.connection, self.step - 1)
        return before if self.after is None else self.after

    @property
    def end(self) -> End:
        """How the connection ends."""
        return End(self.ending)

    @property
    def _told(self) -> int:
        """The first step of which the server may not know."""
        at_once = self.follows == After(Kind.STEP, self.connection, self.step - 1)
        is_unread = self.discards_unread and at_once and self.gap_ns < READ_WITHIN_NS
        return self.step - 1 if is_unread else self.step

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        steps, replaced = plan.of(self.connection), plan.step(self.connection, self.step)
        end = replace(
            replaced,
            action=self.end,
            after=self.follows,
            gap_ns=self.gap_ns,
            late_ns=0,
            needs=(),
            pinned=True,
        )
        plan = without_later(plan, self.connection, self.step)
        owed = plan.owed_to(self.connection).less(ending=False)
        shortened = (*steps[: self.step], end)
        untold = [step for step in steps[self._told :] if isinstance(step.action, Send)]
        if untold:
            # What this client does not say any more, the server does not know from then on.
            for other in _there_after(plan, untold[0]):
                plan = plan.with_owed(other, plan.owed_to(other).less(alike=False))
        return plan.with_connection(self.connection, shortened).with_owed(self.connection, owed)


def _there_after(plan: Plan, step: Step) -> list[str]:
    """Return the other connections that were open after a step of one, or came later."""
    return [
        name
        for name, steps in plan.connections.items()
        if name != step.connection and steps[-1].recorded_at_ns > step.recorded_at_ns
    ]


def without_later(plan: Plan, connection: str, last: int) -> Plan:
    """Return the plan where nothing waits for the steps of a connection after its step `last`."""

    def kept(after: After) -> After:
        is_later = after.kind is Kind.STEP and after.connection == connection and after.index > last
        return After(Kind.STEP, connection, last) if is_later else after

    elsewhere = [
        replace(step, after=kept(step.after))
        for step in plan.steps()
        if step.connection != connection and kept(step.after) != step.after
    ]
    return replace(
        plan.with_steps(elsewhere),
        cues=tuple(replace(cue, after=kept(cue.after)) for cue in plan.cues),
        barriers=tuple(
            replace(
                barrier,
                members=tuple(
                    m for m in barrier.members if m <= (connection, last) or m[0] != connection
                ),
            )
            for barrier in plan.barriers
        ),
    )
