"""Decides what a run does next, from the plan and what has happened. Rules of this file:

It reads no clock, opens no socket and draws no chance: the shell says what happened and when, and
asks what is due. It knows no server: what a message means is not its business, only that it came.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from replay.plan import START, After, End, Kind, Pace, Plan, Step


@dataclass(frozen=True, slots=True)
class Due:
    """A step that may be taken, and when."""

    at_ns: int
    step: Step


@dataclass(frozen=True, slots=True)
class GaveUp:
    """A step whose event did not come in time; the step is taken all the same, or dropped."""

    step: Step
    waited_for: After
    dropped: bool


@dataclass(slots=True)
class _Progress:
    """How far one connection is."""

    steps: tuple[Step, ...]
    next: int = 0
    blocked_since_ns: int = 0
    is_over: bool = False

    @property
    def step(self) -> Step | None:
        """The step to come."""
        return None if self.is_over or self.next >= len(self.steps) else self.steps[self.next]


@dataclass(slots=True)
class EngineCore:
    """The state of one run. Times are nanoseconds since the run began.

    `patience_ns` is how much longer than recorded a step waits for its event.
    """

    plan: Plan
    patience_ns: int
    _happened: dict[After, int] = field(default_factory=lambda: {START: 0})
    _progress: dict[str, _Progress] = field(init=False)

    def __post_init__(self) -> None:
        self._progress = {name: _Progress(steps) for name, steps in self.plan.connections.items()}

    @property
    def is_finished(self) -> bool:
        """Whether every connection has ended."""
        return all(progress.is_over for progress in self._progress.values())

    def happened(self, event: After, at_ns: int) -> None:
        """Note an event of the run; the first time counts."""
        self._happened.setdefault(event, at_ns)

    def taken(self, step: Step, at_ns: int) -> None:
        """Note that the shell took a step."""
        progress = self._progress[step.connection]
        progress.next = step.index + 1
        # The last fragment of a message goes out before the next step does.
        progress.blocked_since_ns = at_ns + step.duration_ns
        self.happened(step.as_event, at_ns)

    def over(self, connection: str, at_ns: int) -> tuple[Step, ...]:
        """Note the end of a connection; return the steps that can no longer be taken.

        Whoever waits for something of this connection waits no longer.
        """
        progress = self._progress[connection]
        if progress.is_over:
            return ()
        progress.is_over = True
        self.happened(After(Kind.CLOSED, connection), at_ns)
        left = progress.steps[progress.next :]
        for step in left:
            self.happened(step.as_event, at_ns)
        self.happened(After(Kind.OPEN, connection), at_ns)
        # To wait for the end that has come, or to send a goodbye into it, is nothing lost.
        return tuple(step for step in left if not isinstance(step.action, End))

    def due(self) -> list[Due]:
        """Return the next step of each connection that may be taken, the earliest first."""
        ready = [due for progress in self._progress.values() if (due := self._due(progress))]
        return sorted(ready, key=lambda due: due.at_ns)

    def next_give_up_ns(self) -> int | None:
        """Return when the first waiting step runs out of patience."""
        return min((at_ns for at_ns, _, _ in self._waiting()), default=None)

    def give_up(self, now_ns: int) -> list[GaveUp]:
        """Stop waiting where patience ran out by `now_ns`.

        A step that only followed its event in the recording is taken now. One that needs a message
        would be illegal: it is dropped, and so is all before the end of its connection.
        """
        given_up = []
        for at_ns, step, event in list(self._waiting()):
            if at_ns > now_ns:
                continue
            unopened = event == After(Kind.OPEN, step.connection)
            dropped = unopened or event in step.needs
            given_up.append(GaveUp(step, event, dropped))
            if unopened:
                # Nothing of it can be sent; the shell ends the connection.
                progress = self._progress[step.connection]
                progress.next = len(progress.steps)
            elif dropped:
                self._skip_to_end(step.connection, now_ns)
            else:
                self.happened(event, now_ns)
        return given_up

    def _skip_to_end(self, connection: str, now_ns: int) -> None:
        progress = self._progress[connection]
        last = len(progress.steps) - 1
        for step in progress.steps[progress.next : last]:
            self.happened(step.as_event, now_ns)
        progress.next = last
        self.happened(progress.steps[last].after, now_ns)

    def _waiting(self) -> Iterator[tuple[int, Step, After]]:
        """Yield when patience ends, for which step, waiting for which event."""
        for progress in self._progress.values():
            step = progress.step
            missing = None if step is None else self._missing(step)
            if step is not None and missing is not None:
                patience_ns = step.expected_wait_ns + self.patience_ns
                yield progress.blocked_since_ns + patience_ns, step, missing

    def _missing(self, step: Step) -> After | None:
        """Return an event that the step still waits for."""
        return next((event for event in self._awaited(step) if event not in self._happened), None)

    def _awaited(self, step: Step) -> tuple[After, ...]:
        """Return what has to happen before the step: what the law asks, and what the pace does."""
        legal = step.needs
        if step.index > 0:
            legal = (*legal, After(Kind.OPEN, step.connection))
        if step.pinned or self.plan.pace is Pace.CAUSAL:
            return (*legal, step.after)
        # A burst is of messages: when to open and when to leave stays as it was.
        is_message = 0 < step.index and not isinstance(step.action, End)
        if self.plan.pace is Pace.BURST and not is_message:
            return (*legal, step.after)
        return legal

    def _due(self, progress: _Progress) -> Due | None:
        step = progress.step
        if step is None or self._missing(step) is not None:
            return None
        legal_ns = max((self._happened[event] for event in self._awaited(step)), default=0)
        legal_ns = max(legal_ns, progress.blocked_since_ns)
        return Due(max(legal_ns, self._wanted_ns(step)), step)

    def _wanted_ns(self, step: Step) -> int:
        """Return when the pace wants the step, legal or not."""
        if step.pinned or self.plan.pace is Pace.CAUSAL:
            return self._happened[step.after] + step.gap_ns
        return step.recorded_at_ns if self.plan.pace is Pace.RECORDED else 0
