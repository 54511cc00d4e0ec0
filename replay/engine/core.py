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
    over_at_ns: int | None = None

    @property
    def step(self) -> Step | None:
        """The step to come."""
        return self.steps[self.next] if self.next < len(self.steps) else None


@dataclass(slots=True)
class EngineCore:
    """The state of one run. Times are nanoseconds since the run began.

    `patience_ns` is how much longer than recorded a step waits for its event.
    """

    plan: Plan
    patience_ns: int
    _happened: dict[After, int] = field(default_factory=lambda: {START: 0})
    _let_go: dict[After, int] = field(default_factory=dict)
    _progress: dict[str, _Progress] = field(init=False)

    def __post_init__(self) -> None:
        self._progress = {name: _Progress(steps) for name, steps in self.plan.connections.items()}

    @property
    def is_finished(self) -> bool:
        """Whether every connection has ended."""
        return all(progress.over_at_ns is not None for progress in self._progress.values())

    def happened(self, event: After, at_ns: int) -> None:
        """Note an event of the run; the first time counts."""
        self._happened.setdefault(event, at_ns)

    def taken(self, step: Step, at_ns: int) -> None:
        """Note that the shell took a step."""
        progress = self._progress[step.connection]
        progress.next = step.index + 1
        # The last fragment of a message goes out before the next step does, and nobody waits for
        # the answer to an upgrade that was not asked for yet.
        progress.blocked_since_ns = at_ns + step.duration_ns
        self.happened(step.as_event, at_ns)

    def over(self, connection: str, at_ns: int) -> tuple[Step, ...]:
        """Note the end of a connection; return the steps that can no longer be taken.

        Whoever waits for something of this connection waits no longer.
        """
        progress = self._progress[connection]
        if progress.over_at_ns is None:
            progress.over_at_ns = at_ns
        left = progress.steps[progress.next :]
        progress.next = len(progress.steps)
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
                self._let_go[step.as_event] = now_ns
        return given_up

    def _skip_to_end(self, connection: str, now_ns: int) -> None:
        progress = self._progress[connection]
        last = len(progress.steps) - 1
        for step in progress.steps[progress.next : last]:
            self.happened(step.as_event, now_ns)
        progress.next = last
        self._let_go[progress.steps[last].as_event] = now_ns

    def _waiting(self) -> Iterator[tuple[int, Step, After]]:
        """Yield when patience ends, for which step, waiting for which event."""
        for progress in self._progress.values():
            step = progress.step
            missing = None if step is None else self._missing(step)
            if step is None or missing is None or self._is_to_come(missing, step):
                continue
            expected_ns = progress.blocked_since_ns + step.expected_wait_ns
            if missing.connection != step.connection:
                expected_ns = max(expected_ns, self.plan.recorded_ns.get(missing, 0))
            yield expected_ns + self.patience_ns, step, missing

    def _is_to_come(self, event: After, step: Step) -> bool:
        """Whether an event is for this client to bring about, on another connection.

        That has a patience of its own, so it comes however long it takes; unless it waits for
        `step` in its turn.
        """
        waiting = [step.connection]
        while event.kind in (Kind.STEP, Kind.CLOSED) and event.connection not in waiting:
            waiting.append(event.connection)
            blocker = self._progress[event.connection].step
            missing = None if blocker is None else self._missing(blocker)
            if missing is None:
                return True
            event = missing
        return len(waiting) > 1 and event.kind not in (Kind.STEP, Kind.CLOSED)

    def _came_ns(self, event: After) -> int | None:
        """Return when an event came; all that an ended connection still owed came with its end."""
        at_ns = self._happened.get(event)
        if at_ns is None and event.connection in self._progress:
            return self._progress[event.connection].over_at_ns
        return at_ns

    def _missing(self, step: Step) -> After | None:
        """Return an event that the step still waits for."""
        for event in self._required(step):
            if self._came_ns(event) is None:
                return event
        waits = self._follows(step) and self._followed_ns(step) is None
        return step.after if waits else None

    def _required(self, step: Step) -> tuple[After, ...]:
        """Return what has to happen before the step, or it would be illegal."""
        return (*step.needs, After(Kind.OPEN, step.connection)) if step.index > 0 else step.needs

    def _followed_ns(self, step: Step) -> int | None:
        """Return when the event that the step follows came, or was waited for no longer."""
        came_ns = self._came_ns(step.after)
        return self._let_go.get(step.as_event) if came_ns is None else came_ns

    def _follows(self, step: Step) -> bool:
        """Whether a step waits for the event that it followed when recorded."""
        if step.pinned or self.plan.pace is Pace.CAUSAL:
            return True
        # A burst is of messages: it opens and leaves after the same events as ever.
        is_message = 0 < step.index and not isinstance(step.action, End)
        return self.plan.pace is Pace.BURST and not is_message

    def _due(self, progress: _Progress) -> Due | None:
        step = progress.step
        if step is None or self._missing(step) is not None:
            return None
        came_ns = [at_ns for e in self._required(step) if (at_ns := self._came_ns(e)) is not None]
        return Due(max(progress.blocked_since_ns, self._wanted_ns(step), *came_ns), step)

    def _wanted_ns(self, step: Step) -> int:
        """Return when the pace wants the step, legal or not."""
        followed_ns = self._followed_ns(step) if self._follows(step) else None
        if followed_ns is None:
            return step.recorded_at_ns if self.plan.pace is Pace.RECORDED else 0
        # Who left at once would leave before the answers to a burst.
        keeps_gap = step.pinned or self.plan.pace is Pace.CAUSAL or isinstance(step.action, End)
        return followed_ns + step.gap_ns if keeps_gap else followed_ns
