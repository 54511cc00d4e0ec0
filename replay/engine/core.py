"""Decides what a run does next, from the plan and what has happened. Rules of this file:

It reads no clock, opens no socket and draws no chance: the shell says what happened and when, and
asks what is due. It knows no server: what a message means is not its business, only that it came.
What happens touches only those who wait for it, so that a thousand connections cost no more a send
than one.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from heapq import heappop, heappush

import msgspec

from replay.plan import START, After, Barrier, Cue, End, Kind, Pace, Plan, Step

# How soon to look again at a step whose patience ended while what it waits for is still to come.
LOOK_AGAIN_NS = 100_000_000


class Due(msgspec.Struct, frozen=True, gc=False):
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
    """How far one connection is. `missing` is what its next step waits for; with `due_ns` it is
    free to go, else it is patient until `patient_until_ns`. `version` grows with every change, so
    that older entries of the queues are stale.
    """

    name: str
    steps: tuple[Step, ...]
    order: int
    opened: After
    next: int = 0
    step: Step | None = field(init=False)
    blocked_since_ns: int = 0
    over_at_ns: int | None = None
    missing: After | None = None
    due_ns: int | None = None
    patient_until_ns: int = 0
    version: int = 0

    def __post_init__(self) -> None:
        self.go_on(self.next)

    def go_on(self, index: int) -> None:
        """Have the step of that number be the next, past the last none."""
        self.next = index
        self.step = self.steps[index] if index < len(self.steps) else None


# When, the order of its connection, the version of that when it was queued, and the connection.
_Entry = tuple[int, int, int, _Progress]


@dataclass(slots=True)
class EngineCore:
    """The state of one run. Times are nanoseconds since the run began.

    `patience_ns` is how much longer than recorded a step waits for its event.
    """

    plan: Plan
    patience_ns: int
    is_finished: bool = field(init=False)
    """Whether every connection has ended."""
    _happened: dict[After, int] = field(default_factory=lambda: {START: 0})
    _let_go: dict[After, int] = field(default_factory=dict)
    _progress: dict[str, _Progress] = field(init=False)
    _running: int = field(init=False)
    _follows_all: bool = field(init=False)
    _due: list[_Entry] = field(default_factory=list)
    _patience: list[_Entry] = field(default_factory=list)
    _waiting_for: dict[After, set[str]] = field(default_factory=dict)
    # Of other connections than one's own.
    _waiting_on: dict[str, set[str]] = field(default_factory=dict)
    _barriers: dict[tuple[str, int], Barrier] = field(init=False)
    _cues: list[tuple[int, int, Cue]] = field(default_factory=list)
    _cues_after: defaultdict[After, list[tuple[int, Cue]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def __post_init__(self) -> None:
        self._progress = {
            name: _Progress(name, steps, order, After(Kind.OPEN, name))
            for order, (name, steps) in enumerate(self.plan.connections.items())
        }
        self._running = len(self._progress)
        self.is_finished = self._running == 0
        self._follows_all = self.plan.pace is Pace.CAUSAL
        self._barriers = {
            member: barrier for barrier in self.plan.barriers for member in barrier.members
        }
        for order, cue in enumerate(self.plan.cues):
            self._cues_after[cue.after].append((order, cue))
        self._release_cues(START, 0)
        for name in self._progress:
            self._look_at(name)

    def happened(self, event: After, at_ns: int) -> None:
        """Note an event of the run; the first time counts."""
        if event in self._happened:
            return
        self._happened[event] = at_ns
        if self._cues_after:
            self._release_cues(event, at_ns)
        if event in self._waiting_for:
            for name in self._waiting_for.pop(event):
                self._look_at(name)

    def taken(self, step: Step, at_ns: int) -> None:
        """Note that the shell took a step."""
        progress = self._progress[step.connection]
        progress.go_on(step.index + 1)
        # The last byte of a message goes out before the next step does, and nobody waits for the
        # answer to an upgrade that was not asked for yet.
        progress.blocked_since_ns = at_ns + step.duration_ns
        self.happened(step.as_event, at_ns)
        self._look_at(step.connection)

    def over(self, connection: str, at_ns: int) -> tuple[Step, ...]:
        """Note the end of a connection; return the steps that can no longer be taken.

        Whoever waits for something of this connection waits no longer.
        """
        progress = self._progress[connection]
        left = progress.steps[progress.next :]
        progress.go_on(len(progress.steps))
        if progress.over_at_ns is None:
            progress.over_at_ns = at_ns
            self._running -= 1
            self.is_finished = self._running == 0
            self._release_cues(After(Kind.CLOSED, connection), at_ns)
        self._look_at(connection)
        for name in self._waiting_on.pop(connection, ()):
            self._look_at(name)
        self._look_at_companions(left)
        # To wait for the end that has come, or to send a goodbye into it, is nothing lost.
        return tuple(step for step in left if not isinstance(step.action, End))

    def next_ns(self) -> int | None:
        """Return when a step is due or may run out of patience; None when nobody waits for time."""
        due = _first(self._due) if self._due else None
        patience = _first(self._patience) if self._patience else None
        if due is None or (patience is not None and patience[0] < due[0]):
            due = patience
        return None if due is None else due[0]

    def next_due(self) -> Due | None:
        """Return the step to take next, and when."""
        first = _first(self._due)
        if first is None or first[3].step is None:
            return None
        return Due(first[0], first[3].step)

    def next_cue_ns(self) -> int | None:
        """Return when the next cue is due."""
        return self._cues[0][0] if self._cues else None

    def take_cues(self, now_ns: int) -> Iterator[tuple[int, Cue]]:
        """Yield the cues that are due by `now_ns`, with their times; each comes once."""
        while self._cues and self._cues[0][0] <= now_ns:
            at_ns, _, cue = heappop(self._cues)
            yield at_ns, cue

    def next_give_up_ns(self) -> int | None:
        """Return when the first waiting step may run out of patience."""
        first = _first(self._patience)
        return None if first is None else first[0]

    def give_up(self, now_ns: int) -> list[GaveUp]:
        """Stop waiting where patience ran out by `now_ns`.

        A step that only followed its event in the recording is taken now. One that needs a message
        would be illegal: it is dropped, and so is all before the end of its connection.
        """
        given_up: list[GaveUp] = []
        while (at_ns := self.next_give_up_ns()) is not None and at_ns <= now_ns:
            _, _, _, progress = heappop(self._patience)
            step, event = progress.step, progress.missing
            if step is None or event is None:
                continue
            if self._is_to_come(event, step):
                again_ns = now_ns + min(self.patience_ns, LOOK_AGAIN_NS)
                self._be_patient(progress, max(again_ns, now_ns + 1))
                continue
            later_ns = self._brought_later_ns(event, step, now_ns)
            if later_ns is not None:
                self._be_patient(progress, later_ns + self.patience_ns)
                continue
            given_up.append(self._given_up(progress, step, event, now_ns))
        return given_up

    def _brought_later_ns(self, event: After, step: Step, now_ns: int) -> int | None:
        """Return when the last step of another connection that had come before an event of the
        server, and may be what brings it, was taken or is to be at the latest; None when the
        patience since then is over.
        """
        came_ns = self.plan.recorded_ns.get(event)
        if event.kind is not Kind.MESSAGE or came_ns is None:
            return None
        waiting_for_it = self._waiting_for_connection(step.connection)
        later_ns = max(
            (
                self._last_before_ns(other, came_ns, counts_waiting=name not in waiting_for_it)
                for name, other in self._progress.items()
                if name != step.connection
            ),
            default=0,
        )
        return later_ns if later_ns + self.patience_ns > now_ns else None

    def _last_before_ns(
        self, progress: _Progress, recorded_ns: int, *, counts_waiting: bool
    ) -> int:
        """Return when the last step before a time of the recording is taken, or 0 without one.

        Who waits itself may go on yet, until its own patience ends.
        """
        if self._to_do_ns(progress) < recorded_ns:
            if progress.due_ns is not None:
                return progress.due_ns
            if counts_waiting:
                return progress.patient_until_ns
        was_open = self.plan.recorded_ns.get(progress.opened, recorded_ns) < recorded_ns
        opened_ns = self._happened.get(progress.opened, 0) if was_open else 0
        taken = reversed(progress.steps[: progress.next])
        last = next((step for step in taken if step.recorded_at_ns < recorded_ns), None)
        return max(opened_ns, 0 if last is None else self._happened.get(last.as_event, 0))

    def _to_do_ns(self, progress: _Progress) -> float:
        """Return when in the recording the connection did what it has still to do."""
        if progress.step is None:
            return math.inf
        to_do_ns = progress.step.recorded_at_ns
        if progress.next > 0 and progress.opened not in self._happened:
            return min(to_do_ns, self.plan.recorded_ns.get(progress.opened, to_do_ns))
        return to_do_ns

    def _waiting_for_connection(self, name: str) -> set[str]:
        """Return the connections that cannot go on before one does, or may not; it included.

        Did that one wait for them in its turn, they would be patient with each other for ever.
        """
        waiting = {name}
        to_do_ns = self._to_do_ns(self._progress[name])
        before = 0
        while len(waiting) > before:
            before = len(waiting)
            for other, progress in self._progress.items():
                if other not in waiting and self._is_held_up(progress, waiting, to_do_ns):
                    waiting.add(other)
                    to_do_ns = min(to_do_ns, self._to_do_ns(progress))
        return waiting

    def _is_held_up(self, progress: _Progress, by: set[str], to_do_ns: float) -> bool:
        """Whether one may wait for connections, the first of which has that still to do."""
        if not by.isdisjoint(self._waits_for(progress)):
            return True
        missing = progress.missing
        if missing is None or missing.kind is not Kind.MESSAGE:
            return False
        return to_do_ns < self.plan.recorded_ns.get(missing, 0)

    def _given_up(self, progress: _Progress, step: Step, event: After, now_ns: int) -> GaveUp:
        unopened = event == After(Kind.OPEN, step.connection)
        dropped = unopened or event in step.needs
        if unopened:
            # Nothing of it can be sent; the shell ends the connection.
            left = progress.steps[progress.next :]
            progress.go_on(len(progress.steps))
            self._look_at(step.connection)
            self._look_at_companions(left)
        elif dropped and step.index == 0:
            # What was never opened is over: nothing else would ever end it.
            self.over(step.connection, now_ns)
        elif dropped:
            self._skip_to_end(step.connection, now_ns)
        else:
            self._let_go[step.as_event] = now_ns
            self._look_at(step.connection)
        return GaveUp(step, event, dropped)

    def _skip_to_end(self, connection: str, now_ns: int) -> None:
        progress = self._progress[connection]
        last = len(progress.steps) - 1
        skipped = progress.steps[progress.next : last]
        progress.go_on(last)
        self._let_go[progress.steps[last].as_event] = now_ns
        self._look_at(connection)
        for step in skipped:
            self.happened(step.as_event, now_ns)
        self._look_at_companions(skipped)

    def _release_cues(self, event: After, at_ns: int) -> None:
        for order, cue in self._cues_after.pop(event, ()):
            heappush(self._cues, (at_ns + cue.gap_ns, order, cue))

    def _look_at(self, name: str) -> None:
        """Find out anew what the next step of a connection waits for, or when it is due."""
        progress = self._progress[name]
        progress.version += 1
        was_missing = progress.missing
        if was_missing is not None:
            if was_missing in self._waiting_for:
                self._waiting_for[was_missing].discard(name)
            if was_missing.connection in self._waiting_on:
                self._waiting_on[was_missing.connection].discard(name)
        step = progress.step
        progress.missing = progress.due_ns = None
        if step is None:
            return
        missing, due_ns = self._missing_or_due(progress, step)
        if missing is not None:
            progress.missing = missing
            self._wait(progress, step, missing)
            return
        progress.due_ns = due_ns
        barrier = self._barriers.get((name, step.index)) if self._barriers else None
        if barrier is None:
            self._queue(progress, due_ns)
        else:
            self._meet(barrier)

    def _queue(self, progress: _Progress, at_ns: int) -> None:
        heappush(self._due, (at_ns, progress.order, progress.version, progress))

    def _wait(self, progress: _Progress, step: Step, missing: After) -> None:
        self._waiting_for.setdefault(missing, set()).add(step.connection)
        expected_ns = progress.blocked_since_ns + step.expected_wait_ns
        if missing.connection != step.connection:
            self._waiting_on.setdefault(missing.connection, set()).add(step.connection)
            expected_ns = max(expected_ns, self.plan.recorded_ns.get(missing, 0))
        self._be_patient(progress, expected_ns + self.patience_ns)

    def _be_patient(self, progress: _Progress, until_ns: int) -> None:
        progress.patient_until_ns = until_ns
        heappush(self._patience, (until_ns, progress.order, progress.version, progress))

    def _meet(self, barrier: Barrier) -> None:
        """Let the members of a barrier go, once all that are still to come are there."""
        present: list[_Progress] = []
        times_ns = []
        for name, index in barrier.members:
            progress = self._progress[name]
            if progress.next > index:
                continue
            if progress.next < index or progress.due_ns is None:
                return
            present.append(progress)
            times_ns.append(progress.due_ns)
        for place, progress in enumerate(present):
            self._queue(progress, max(times_ns) + place * barrier.apart_ns)

    def _look_at_companions(self, left: tuple[Step, ...]) -> None:
        """Let go on who waits at a barrier for steps that will not be taken."""
        for step in left:
            barrier = self._barriers.get((step.connection, step.index))
            if barrier is not None:
                self._meet(barrier)

    def _is_to_come(self, event: After, step: Step) -> bool:
        """Whether an event is for this client to bring about, on another connection.

        That has a patience of its own, so it comes however long it takes; unless it waits for
        `step` in its turn.
        """
        if not self._is_the_clients(event):
            return False
        to_go_on, seen = [event.connection], set[str]()
        while to_go_on:
            name = to_go_on.pop()
            if name == step.connection:
                return False
            if name not in seen:
                seen.add(name)
                to_go_on += self._waits_for(self._progress[name])
        return True

    def _waits_for(self, progress: _Progress) -> list[str]:
        """Return the connections that have to go on before this one does."""
        if progress.missing is not None:
            return [progress.missing.connection] if self._is_the_clients(progress.missing) else []
        barrier = self._barriers.get((progress.name, progress.next))
        if barrier is None:
            return []
        members = [(self._progress[name], index) for name, index in barrier.members]
        return [each.name for each, index in members if _is_awaited(each, index)]

    def _is_the_clients(self, event: After) -> bool:
        """Whether the client has to do something first: that, or a step that came before it."""
        if event.kind in (Kind.STEP, Kind.CLOSED):
            return True
        progress = self._progress.get(event.connection)
        if progress is None or progress.step is None:
            return False
        came_ns = self.plan.recorded_ns.get(event)
        is_before = came_ns is not None and progress.step.recorded_at_ns < came_ns
        return progress.next == 0 or is_before

    def _came_ns(self, event: After) -> int | None:
        """Return when an event came; all that an ended connection still owed came with its end."""
        if event in self._happened:
            return self._happened[event]
        progress = self._progress.get(event.connection)
        return None if progress is None else progress.over_at_ns

    def _missing_or_due(self, progress: _Progress, step: Step) -> tuple[After | None, int]:
        """Return an event that the step still waits for; or none, and when the step is due."""
        due_ns = progress.blocked_since_ns
        for event in step.required:
            came_ns = self._came_ns(event)
            if came_ns is None:
                return event, 0
            if came_ns > due_ns:
                due_ns = came_ns
        followed_ns = None
        if self._follows_all or self._follows(step):
            followed_ns = self._followed_ns(step)
            if followed_ns is None:
                return step.after, 0
        wanted_ns = self._wanted_ns(step, followed_ns) + step.late_ns
        return None, max(wanted_ns, due_ns)

    def _followed_ns(self, step: Step) -> int | None:
        """Return when the event that the step follows came, or was waited for no longer."""
        came_ns = self._came_ns(step.after)
        return self._let_go.get(step.as_event) if came_ns is None else came_ns

    def _follows(self, step: Step) -> bool:
        """Whether a step waits for the event that it followed when recorded."""
        match self.plan.pace:
            case Pace.CAUSAL:
                return True
            case Pace.HYBRID:
                return step.pinned or step.index > 0
            case Pace.BURST:
                # A burst is of messages: it opens and leaves after the same events as ever.
                is_message = 0 < step.index and not isinstance(step.action, End)
                return step.pinned or not is_message
            case Pace.RECORDED:
                return step.pinned

    def _wanted_ns(self, step: Step, followed_ns: int | None) -> int:
        """Return when the pace wants the step, legal or not; None is for who follows nothing."""
        if followed_ns is None:
            return 0 if self.plan.pace is Pace.BURST else step.recorded_at_ns
        if self._follows_all:
            return followed_ns + step.gap_ns
        # Who left at once would leave before the answers to a burst.
        keeps_gap = step.pinned or self.plan.pace is not Pace.BURST or isinstance(step.action, End)
        return followed_ns + step.gap_ns if keeps_gap else followed_ns


def _is_awaited(progress: _Progress, index: int) -> bool:
    """Whether a connection is still to come to a barrier that it meets with that step."""
    return progress.next < index or (progress.next == index and progress.due_ns is None)


def _first(queue: list[_Entry]) -> _Entry | None:
    """Return the first entry of a queue that is not stale; those before it are dropped."""
    while queue:
        first = queue[0]
        if first[2] == first[3].version:
            return first
        heappop(queue)
    return None
