"""When each step of a plan would be taken, if the server answers as fast as it was recorded to.

The engine's own core is asked, with the recording in the place of the server.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from replay.engine.core import Due, EngineCore
from replay.limits import UNLIMITED, Limits, check_steps
from replay.plan import After, Cue, End, Kind, Plan, Step

PATIENCE_NS = 5_000_000_000


@dataclass(frozen=True, slots=True)
class Forecast:
    """The steps in the order of their times; `dropped` would not be taken at all."""

    taken: tuple[tuple[int, Step], ...]
    dropped: tuple[Step, ...]
    cues: tuple[tuple[int, Cue], ...] = ()

    @property
    def duration_ns(self) -> int:
        """How long the run takes, to the end of its last step."""
        return max((at_ns + step.duration_ns for at_ns, step in self.taken), default=0)


def forecast(plan: Plan, patience_ns: int = PATIENCE_NS) -> Forecast:
    """Return when the steps are taken."""
    rehearsal = _Rehearsal(plan, patience_ns)
    taken = tuple(rehearsal.steps())
    done = {step.as_event for _, step in taken}
    dropped = tuple(step for step in plan.steps() if step.as_event not in done)
    return Forecast(taken, dropped, tuple(rehearsal.cues))


def check_plan(plan: Plan, limits: Limits) -> None:
    """Raise LimitExceeded when a plan would exceed limits, as far as that can be foretold."""
    if limits != UNLIMITED:
        check_steps(forecast(plan).taken, limits)


@dataclass(slots=True)
class _Rehearsal:
    """A run without a server."""

    plan: Plan
    patience_ns: int
    _core: EngineCore = field(init=False)
    _recorded: dict[str, list[tuple[int, After]]] = field(default_factory=dict)
    cues: list[tuple[int, Cue]] = field(default_factory=list)
    _said: Counter[str] = field(default_factory=Counter)
    _to_come: list[tuple[int, int, After]] = field(default_factory=list)
    _numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self._core = EngineCore(self.plan, self.patience_ns)
        for event, at_ns in self.plan.recorded_ns.items():
            if event.kind in (Kind.OPEN, Kind.MESSAGE):
                self._recorded.setdefault(event.connection, []).append((at_ns, event))

    def steps(self) -> Iterator[tuple[int, Step]]:
        now_ns = 0
        while not self._core.is_finished:
            due = self._core.next_due()
            times = [at_ns for at_ns, _, _ in self._to_come[:1]]
            times += [] if due is None else [due.at_ns]
            others = (self._core.next_give_up_ns(), self._core.next_cue_ns())
            times += [at_ns for at_ns in others if at_ns is not None]
            if not times:
                return
            now_ns = max(now_ns, min(times))
            if self._to_come and self._to_come[0][0] <= now_ns:
                self._comes(heappop(self._to_come)[2], now_ns)
            elif due is not None and due.at_ns <= now_ns:
                self._take(due, now_ns)
                yield now_ns, due.step
            else:
                self.cues += self._core.take_cues(now_ns)
                self._give_up(now_ns)

    def _take(self, due: Due, now_ns: int) -> None:
        self._core.taken(due.step, now_ns)
        for after_ns, event in self._answers(due.step):
            heappush(
                self._to_come,
                (now_ns + due.step.duration_ns + after_ns, next(self._numbers), event),
            )

    def _comes(self, event: After, at_ns: int) -> None:
        if event.kind is Kind.CLOSED:
            self._core.over(event.connection, at_ns)
            return
        self._core.happened(event, at_ns)
        if event.kind is Kind.MESSAGE:
            # It is also known by its number among all.
            self._said[event.connection] += 1
            number = self._said[event.connection]
            self._core.happened(After(Kind.MESSAGE, event.connection, number), at_ns)

    def _give_up(self, now_ns: int) -> None:
        for given_up in self._core.give_up(now_ns):
            if given_up.waited_for == After(Kind.OPEN, given_up.step.connection):
                self._core.over(given_up.step.connection, now_ns)

    def _answers(self, step: Step) -> list[tuple[int, After]]:
        """Return what the server did between a step and the next, and how long after the step."""
        steps = self.plan.connections[step.connection]
        is_last = isinstance(step.action, End)
        began_ns = step.recorded_at_ns
        ends_ns = None if is_last else steps[step.index + 1].recorded_at_ns
        answers = [
            (_latency_ns(at_ns - began_ns, step.duration_ns), event)
            for at_ns, event in self._recorded.get(step.connection, ())
            if began_ns < at_ns and (ends_ns is None or at_ns <= ends_ns)
        ]
        opened = After(Kind.OPEN, step.connection)
        if step.index == 0 and opened not in self.plan.recorded_ns:
            # A connection that a change adds is answered as if at once.
            answers.append((0, opened))
        if is_last:
            closed = After(Kind.CLOSED, step.connection)
            closed_ns = self.plan.recorded_ns.get(closed, began_ns)
            answers.append((max(0, closed_ns - began_ns), closed))
        return answers


def _latency_ns(after_ns: int, duration_ns: int) -> int:
    """Return how long after the last byte of a step an answer came.

    What came before a step was over, by its plan, came when it was shorter: the plan was changed.
    """
    return after_ns if after_ns < duration_ns else after_ns - duration_ns
