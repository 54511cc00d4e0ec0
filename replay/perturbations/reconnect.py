"""Lose a connection, come back on a new one and go on where it was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar

from replay.correlation import Correlation
from replay.errors import PlanError
from replay.perturbations.cut import Cut
from replay.plan import After, End, Ending, Kind, Owed, Plan, Step

HOW = {"reset": Ending.RESET, "fin": Ending.FIN, "close": Ending.CLOSE}
NORMAL_CLOSURE = 1000


@dataclass(frozen=True, slots=True)
class Reconnect(Cut):
    """Cut the connection in place of `step`; `down_ns` later a new one does the rest.

    The new one is called c1~again. It first sends the `repeat` first messages again, such as a
    login or a resume, then what was left.
    """

    name: ClassVar[str] = "reconnect"
    varied: ClassVar[str] = "down_ns"

    down_ns: int = 0
    repeat: int = 0
    how: str = "reset"

    def __post_init__(self) -> None:
        Cut.__post_init__(self)
        self.expect(self.down_ns >= 0, "a down_ms of 0 or more")
        self.expect(0 <= self.repeat < self.step, "repeat to be fewer messages than were sent")
        self.expect(self.how in HOW, f"how to be one of {', '.join(HOW)}")

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return f"{self.connection} closed"

    @property
    def end(self) -> End:
        """How the connection ends."""
        ending = HOW[self.how]
        return End(ending, NORMAL_CLOSURE if ending is Ending.CLOSE else None)

    @property
    def again(self) -> str:
        """The name of the new connection."""
        return f"{self.connection}~again"

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        if self.again in plan.connections:
            raise PlanError(f"{self.connection} already comes back, expected one reconnect each")
        steps = plan.of(self.connection)
        cut = Cut.apply(self, plan).with_connection(self.again, self._resumed(plan, steps))
        # Which of the answers come on the old connection and which on the new one nobody can say.
        old = plan.owed_to(self.connection).less(replies=False, ending=False)
        new = Owed(old.like, replies=False)
        cut = replace(cut, correlation=self._correlated(plan))
        return cut.with_owed(self.connection, old).with_owed(self.again, new)

    def _resumed(self, plan: Plan, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """Return the steps of the new connection."""
        number, again = self._numbers(steps), self._heard_again(plan, steps)
        greeted = steps[self.repeat + 1]
        resumed = []
        for index, step in enumerate(steps[old] for old in number):
            after = step.after
            if index == self.repeat + 1 and not self._comes_anew(after, number, again):
                # What was left goes on after the answer to what is repeated, as once the rest did.
                after = greeted.after
                waits_ns = greeted.expected_wait_ns
                step = replace(step, gap_ns=greeted.gap_ns, expected_wait_ns=waits_ns)
            if after.kind is Kind.STEP and after.connection == self.connection:
                after = After(Kind.STEP, self.again, number.get(after.index, index - 1))
            moved = replace(
                step,
                connection=self.again,
                index=index,
                after=again(after),
                needs=tuple(again(need) for need in step.needs),
            )
            resumed.append(moved)
        closed = After(Kind.CLOSED, self.connection)
        resumed[0] = replace(resumed[0], after=closed, gap_ns=self.down_ns, needs=(), pinned=True)
        return tuple(resumed)

    def _comes_anew(
        self, event: After, number: dict[int, int], again: Callable[[After], After]
    ) -> bool:
        """Whether an event comes on the new connection, or is of another one."""
        if event.connection != self.connection:
            return True
        return event.index in number if event.kind is Kind.STEP else again(event) != event

    def _numbers(self, steps: tuple[Step, ...]) -> dict[int, int]:
        """Return the steps of the new connection by those of the old one that they repeat."""
        kept = [*steps[: self.repeat + 1], *steps[self.step :]]
        return {step.index: index for index, step in enumerate(kept)}

    def _heard_again(self, plan: Plan, steps: tuple[Step, ...]) -> Callable[[After], After]:
        """Return where each event of the old connection comes now: again, or it came before."""
        greeted_ns = steps[self.repeat + 1].recorded_at_ns
        cut_ns = steps[self.step].recorded_at_ns
        times_ns = {e: at_ns for e, at_ns in plan.recorded_ns.items() if e.kind is Kind.MESSAGE}
        lost: Counter[str] = Counter(
            event.called
            for event, at_ns in times_ns.items()
            if event.connection == self.connection and greeted_ns <= at_ns < cut_ns
        )

        def again(event: After) -> After:
            if event.connection != self.connection or event.kind is Kind.STEP:
                return event
            at_ns = times_ns.get(event, 0)
            if greeted_ns <= at_ns < cut_ns:
                return event
            behind = lost[event.called] if at_ns >= cut_ns else 0
            index = max(1, event.index - behind) if event.kind is Kind.MESSAGE else 0
            return After(event.kind, self.again, index, event.called)

        return again

    def _correlated(self, plan: Plan) -> Correlation:
        """Return the links, with those of the new connection."""
        steps = plan.of(self.connection)
        number, again = self._numbers(steps), self._heard_again(plan, steps)
        links = []
        for link in plan.correlation.links:
            sinks = tuple(
                replace(sink, connection=self.again, step=number[sink.step])
                for sink in link.sinks
                if sink.connection == self.connection and sink.step in number
            )
            if sinks:
                source = replace(link.source, event=again(link.source.event))
                links.append(replace(link, source=source, sinks=sinks))
        return plan.correlation.and_also(Correlation(tuple(links)))
