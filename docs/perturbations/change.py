"""What an edit changes in a plan, as far as a picture shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from docs.perturbations.timeline import CLIENT, SERVER, Mark, Timeline
from replay.plan import After, Kind, Open, Pieces, Plan, ProxyFault, Reading, Send, Step

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Wait:
    """A while in which the client lets a step or a pong wait, because of the edit.

    `by_ms` is how long it was to be, where the plan says so.
    """

    connection: str
    from_ms: float
    to_ms: float
    by_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """A plan before and after an edit."""

    before: Plan
    after: Plan

    @property
    def steps(self) -> frozenset[Place]:
        """The steps that the edit itself changes or adds; what only follows them is not in it."""
        return frozenset(
            (step.connection, step.index) for step in self.after.steps() if self._is_other(step)
        )

    @property
    def lost(self) -> frozenset[Place]:
        """The steps that are no more, or become another thing."""
        return frozenset(
            (step.connection, step.index)
            for step in self.before.steps()
            if len(self.after.of(step.connection)) <= step.index
            or type(self.after.step(step.connection, step.index).action) is not type(step.action)
        )

    @property
    def connections(self) -> tuple[str, ...]:
        """The connections for which the edit changes anything, in their order."""
        at_steps = {connection for connection, _ in self.steps | self.lost}
        # A copy is shown beside what it is a copy of.
        at_steps |= {name.partition("~")[0] for name in at_steps}
        cued = {c.change.connection for c in self.after.cues if isinstance(c.change, Reading)}
        if any(isinstance(cue.change, ProxyFault) for cue in self.after.cues):
            cued |= set(self.after.connections)
        # Who lacks only what somebody else does not say looks as ever.
        lessened = {
            name
            for name in self.after.connections
            if not at_steps and self.before.owed_to(name) != self.after.owed_to(name)
        }
        return tuple(
            name
            for name in self.after.connections
            if name in at_steps | cued | lessened
            or self.before.network_of(name) != self.after.network_of(name)
        )

    @property
    def together(self) -> tuple[tuple[Place, ...], ...]:
        """The steps that go at one instant, group by group."""
        return tuple(barrier.members for barrier in self.after.barriers)

    def waits(self, seen: Timeline) -> Iterator[Wait]:
        """Yield when steps and pongs waited in a run of the perturbed plan."""
        for place in sorted(self.steps):
            mark = _step_mark(seen, place)
            if mark is not None:
                yield from self._waits_of(self.after.step(*place), mark, seen)
        for ping, pong in _pongs(seen):
            delay_ns = self.after.network_of(pong.connection).pong_delay_ns
            if delay_ns:
                yield Wait(pong.connection, ping.at_ms, pong.at_ms, delay_ns / 1e6)

    def is_changed(self, mark: Mark) -> bool:
        """Whether the edit itself is why a mark is where it is."""
        if mark.kind == "pong" and mark.side == CLIENT:
            return self.after.network_of(mark.connection).pong_delay_ns != 0
        return mark.place in self.steps

    def segments(self, mark: Mark) -> Pieces:
        """Return into what the frame of a step is cut."""
        action = None if mark.place is None else self.after.step(*mark.place).action
        return action.segments if isinstance(action, Open | Send) else Pieces()

    def _is_other(self, step: Step) -> bool:
        old = self.before.connections.get(step.connection, ())
        return (
            self._is_aligned(step)
            or step.index >= len(old)
            or _timing(old[step.index]) != _timing(step)
        )

    def _is_aligned(self, step: Step) -> bool:
        return any((step.connection, step.index) in group for group in self.together)

    def _waits_of(self, step: Step, mark: Mark, seen: Timeline) -> Iterator[Wait]:
        name, begun_ms = step.connection, mark.begins_ms
        followed_ms = _moment_ms(seen, step.after)
        if step.late_ns:
            by_ms = step.late_ns / 1e6
            yield Wait(name, max(0.0, begun_ms - by_ms), begun_ms, by_ms)
        elif self._is_aligned(step) and followed_ms is not None:
            yield Wait(name, followed_ms + step.gap_ns / 1e6, begun_ms)
        elif step.pinned and followed_ms is not None:
            yield Wait(name, followed_ms, begun_ms, step.gap_ns / 1e6)
        if isinstance(step.action, Open) and step.action.upgrade_delay_ns:
            yield Wait(name, begun_ms, mark.at_ms, step.action.upgrade_delay_ns / 1e6)


def _timing(step: Step) -> tuple[object, ...]:
    return step.action, step.after, step.gap_ns, step.late_ns


def _step_mark(seen: Timeline, place: Place) -> Mark | None:
    return next((mark for mark in seen.marks if mark.place == place), None)


def _pongs(seen: Timeline) -> Iterator[tuple[Mark, Mark]]:
    """Yield each pong with the ping that it answers."""
    pings = [mark for mark in seen.marks if mark.kind == "ping" and mark.side == SERVER]
    pongs = [mark for mark in seen.marks if mark.kind == "pong" and mark.side == CLIENT]
    for pong in pongs:
        ping = next((ping for ping in pings if ping.connection == pong.connection), None)
        if ping is not None:
            pings.remove(ping)
            yield ping, pong


def _moment_ms(seen: Timeline, event: After) -> float | None:
    """Return when an event came in a run."""
    if event.kind is Kind.STEP:
        mark = _step_mark(seen, (event.connection, event.index))
        return None if mark is None else mark.at_ms
    own = [mark for mark in seen.marks if mark.connection == event.connection]
    if event.kind is Kind.MESSAGE:
        said = [m.at_ms for m in own if m.called and event.called in ("", m.called)]
        return said[event.index - 1] if event.index <= len(said) else None
    wanted = {Kind.OPEN: "accepted", Kind.CLOSED: "TCP close"}.get(event.kind)
    return max((mark.at_ms for mark in own if mark.kind == wanted), default=None)
