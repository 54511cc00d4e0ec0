"""The live shell: carries a plan out byte by byte, on time: on real sockets and the real clock, or
over another carrier. A carrier with a shell of its own is given the run."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush
from itertools import count
from operator import attrgetter
from pathlib import Path

from capture.clock import NowNs, wall_time
from capture.errors import UnwritableOutput
from capture.format.model import FORMAT, VERSION, Capture, Event, Header, Secret, Vantage
from capture.format.writer import FLUSH_EVERY_NS, CaptureWriter
from capture.recorder import Recorder, Sent
from replay.auth import TokenSource, Wallet
from replay.engine.carrier import ByteCarrier, Carrier, MessageCarrier, Run, Sockets
from replay.engine.core import Due
from replay.engine.live_connection import Listener, LiveConnection, Piece
from replay.engine.remarks import NOT_SENT
from replay.engine.run_state import LACKS, RunState
from replay.engine.surroundings import Surroundings
from replay.errors import ReplayError, TargetRefused
from replay.limits import UNLIMITED, Limits
from replay.plan import After, Change, End, Open, Plan, Reading, Send, Step
from replay.target import Target

DEFAULT_PATIENCE_S = 5.0
LONGEST_PATIENCE_S = 86_400
CONNECT_TIMEOUT_S = 10.0
# What came is looked at while the next send is further away than that takes, or after it was passed
# over so often: a run that has fallen behind has to hear, too.
HANDLING_NS = 250_000
MOST_PASSED_OVER = 50
HANDLED_AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a plan is carried out.

    `patience_s` is how much longer than recorded the client waits for the server. `about` goes into
    the header of the run. `surroundings` are what the plan's cues may change. `limits` end
    a run that would exceed them. The `carrier` has the clock, and connects; a server's chance
    follows from the `seed`, where that can be. `on_secret` hears of each that is made. Raises
    ReplayError.
    """

    target: Target
    tokens: TokenSource
    patience_s: float = DEFAULT_PATIENCE_S
    about: tuple[tuple[str, str], ...] = ()
    surroundings: Surroundings = field(default_factory=Surroundings)
    limits: Limits = UNLIMITED
    carrier: Carrier = field(default_factory=Sockets)
    seed: int = 0
    on_secret: Callable[[str, Secret], object] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.patience_s <= LONGEST_PATIENCE_S:
            raise ReplayError(
                f"patience is {self.patience_s} s, expected 0 to {LONGEST_PATIENCE_S}"
            )

    def check(self, plan: Plan) -> None:
        """Raise PlanError when a plan cannot be carried out so."""
        self.surroundings.check(plan)


async def run_live(
    plan: Plan,
    settings: RunSettings,
    out: Path | None = None,
    *,
    overwrite: bool = False,
) -> Capture:
    """Carry out a plan; return the record of the run, which is also written to `out`.

    Raises NoToken before anything is sent, TargetRefused when nothing answers at the target (then
    `out` is not left behind), UnwritableOutput.
    """
    settings.check(plan)
    wallet = Wallet(plan.secrets, settings.tokens, issued=plan.correlation.issued())
    if settings.on_secret is not None:
        wallet.on_made = settings.on_secret
    wallet.check()
    carrier = settings.carrier.carrying(plan)
    if carrier is not settings.carrier:
        settings = replace(settings, carrier=carrier)
    async with carrier.serving(settings.seed):
        return await _recorded(plan, settings, wallet, out, overwrite=overwrite)


async def _recorded(
    plan: Plan, settings: RunSettings, wallet: Wallet, out: Path | None, *, overwrite: bool
) -> Capture:
    redactor = wallet.redactor()
    events: list[Event] = []
    writer: CaptureWriter | None = None

    def emit(event: Event) -> None:
        events.append(event)
        if writer is not None:
            writer.write(event)

    started_at, fidelity = wall_time(), settings.carrier.fidelity
    patience_ns = round(settings.patience_s * 1e9)
    recorder = Recorder(events.append if out is None else emit, redactor)
    state = RunState(plan, settings.target, settings.limits, patience_ns, wallet, recorder)
    run = _run_of(state, settings)
    header = Header(
        format=FORMAT,
        version=VERSION,
        vantage=Vantage.CLIENT,
        started_at=started_at,
        recorder="deadheat replay",
        about={
            "target": settings.target.shown,
            "pace": plan.pace,
            **({"fidelity": fidelity} if fidelity else {}),
            **dict(settings.about),
        },
    )
    # Only now: settings that cannot work leave no file behind.
    writer = CaptureWriter(out, header, overwrite=overwrite) if out is not None else None
    flushing = (
        asyncio.create_task(_keep_flushing(writer, run.before_others))
        # A run in a time that jumps is over before anybody could look.
        if writer is not None and isinstance(run, _LiveRun) and not settings.carrier.is_repeatable
        else None
    )
    try:
        await run.carry_out()
    except TargetRefused:
        if writer is not None:
            writer.abandon()
            writer = None
        raise
    finally:
        if flushing is not None:
            flushing.cancel()
        if writer is not None:
            writer.end()
    events.sort(key=attrgetter("at_ns"))
    return Capture(header=header, events=tuple(events))


def _run_of(state: RunState, settings: RunSettings) -> Run:
    carrier = settings.carrier
    if isinstance(carrier, MessageCarrier):
        return carrier.run(state)
    return _LiveRun(state, carrier, settings.surroundings)


async def _keep_flushing(
    writer: CaptureWriter, before_others: Callable[[Callable[[], None]], None]
) -> None:
    def flush() -> None:
        # What cannot be written stays pending, and the end of the run says so.
        with contextlib.suppress(UnwritableOutput):
            writer.flush()

    while True:
        await asyncio.sleep(FLUSH_EVERY_NS / 1e9)
        before_others(flush)


class _LiveRun:
    """The state of one live run."""

    def __init__(self, state: RunState, carrier: ByteCarrier, surroundings: Surroundings) -> None:
        plan = state.plan
        # That takes a while, which would be lateness.
        self._connect = carrier.prepared(state.target, len(plan.connections))
        self._spin_ns = carrier.spin_ns
        now_ns = carrier.now_ns
        began_ns = now_ns()
        self._now_ns: NowNs = lambda: now_ns() - began_ns
        self._notes = partial(carrier.notes_after, began_ns)
        self._surroundings = surroundings
        self._state = state
        self._plan = plan
        self._recorder = state.recorder
        self._core = state.core
        self._wake = asyncio.Event()
        self._has_changed = False
        self._handled = 0
        self._passed_over = 0
        self._timers: list[tuple[int, int, Callable[[int], None]]] = []
        self._timer_ids = count()
        self._inbox: deque[Callable[[], None]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        # By connection: what was encoded is sent, or the other side could not inflate the rest.
        self._prepared: dict[str, tuple[Piece, ...]] = {}
        self._reached_target = False
        self._refused: TargetRefused | None = None
        listener = Listener(
            happened=self._happened,
            over=self._over,
            heard=self._heard,
            answered=state.answered,
            at=self._at,
            soon=self._soon,
        )
        self._connections = {
            name: LiveConnection(
                name,
                state.recorder.connection(state.target.origin, name=name),
                listener,
                self._now_ns,
                plan.network_of(name),
            )
            for name in plan.connections
        }

    async def carry_out(self) -> None:
        """Take every step in its time; return when all connections ended."""
        # A collection in the middle of a send is a late send.
        gc_was_on = gc.isenabled()
        gc.disable()
        try:
            self._state.check_limits(self._now_ns())
            while not self._core.is_finished and not self._state.is_stopped:
                # Found out before the waiting: after it, every microsecond is lateness.
                due = self._core.next_due()
                if await self._reached(self._next_ns(due), due):
                    self._act()
                    # What has come gets its time now: an answer that is noted late has the step
                    # that follows it planned late.
                    await asyncio.sleep(0)
                if self._refused is not None:
                    raise self._refused
            await self._surroundings.settled()
        finally:
            if gc_was_on:
                gc.enable()
            self._finish()

    def before_others(self, act: Callable[[], None]) -> None:
        """Have something done before all that came, when no send is about to be due."""
        self._inbox.appendleft(act)
        self._notice()

    def _finish(self) -> None:
        """Leave nothing open and nothing unwritten."""
        for task in self._tasks:
            task.cancel()
        for connection in self._connections.values():
            if not self._core.is_finished and not connection.is_over:
                connection.record.note(self._now_ns(), "the replay was interrupted")
                connection.say_goodbye()
            connection.abandon()
        while self._inbox:
            self._inbox.popleft()()
        for connection in self._connections.values():
            connection.record.finish()
        self._state.note_values(self._now_ns())
        self._state.note_served(self._now_ns(), self._notes())

    def _next_ns(self, due: Due | None) -> int | None:
        """Return when there is something to do next, unless something happens before."""
        times = [at_ns for at_ns, _, _ in self._timers[:1]]
        times += [] if due is None else [due.at_ns]
        others = (self._core.next_give_up_ns(), self._core.next_cue_ns())
        times += [at_ns for at_ns in others if at_ns is not None]
        return min(times, default=None)

    async def _reached(self, at_ns: int | None, due: Due | None) -> bool:
        """Wait until `at_ns`; return False as soon as something happened before."""
        if self._inbox and self._has_time_until(at_ns):
            self._inbox.popleft()()
            self._handled += 1
            if self._handled % HANDLED_AT_ONCE == 0:
                await asyncio.sleep(0)
            return False
        if not self._has_changed and not self._inbox:
            coarse_ns = None if at_ns is None else at_ns - self._now_ns() - self._spin_ns
            if coarse_ns is None or coarse_ns > 0:
                await self._slept(coarse_ns)
            if due is not None and due.at_ns == at_ns:
                self._prepare(due.step)
        while not self._has_changed and at_ns is not None:
            if self._now_ns() >= at_ns:
                return True
            await asyncio.sleep(0)
        # What is due may be another thing now.
        self._has_changed = False
        return False

    def _has_time_until(self, at_ns: int | None) -> bool:
        """Whether something that came can be looked at before `at_ns`; after a while it has to."""
        self._passed_over = (
            0 if at_ns is None or at_ns - self._now_ns() > HANDLING_NS else self._passed_over + 1
        )
        return self._passed_over % MOST_PASSED_OVER == 0

    async def _slept(self, for_ns: int | None) -> None:
        """Sleep for a time, or until something happens."""
        self._wake.clear()
        loop = asyncio.get_running_loop()
        alarm = None if for_ns is None else loop.call_later(for_ns / 1e9, self._wake.set)
        await self._wake.wait()
        if alarm is not None:
            alarm.cancel()

    def _act(self) -> None:
        now_ns = self._now_ns()
        while self._timers and self._timers[0][0] <= now_ns:
            planned_ns, _, act = heappop(self._timers)
            act(planned_ns)
        first = due = self._core.next_due()
        # What is due at one time goes out together.
        while first is not None and due is not None and due.at_ns == first.at_ns <= now_ns:
            self._take(due)
            if self._state.is_stopped:
                return
            due = self._core.next_due()
        for _, cue in self._core.take_cues(now_ns):
            self._change(cue.change)
        for given_up in self._core.give_up(now_ns):
            self._state.note_given_up(given_up, now_ns)
            connection = self._connections[given_up.step.connection]
            if given_up.waited_for.connection == connection.name and not connection.can_send:
                connection.abandon()

    def _change(self, change: Change) -> None:
        """Change what is around the connections, and say so in the record."""
        if isinstance(change, Reading):
            connection = self._connections[change.connection]
            connection.read(paused=change.paused)
            what = "stopped reading" if change.paused else "reads again"
            connection.record.note(self._now_ns(), f"the client {what}")
            return

        def told(what: str) -> None:
            self._recorder.note(self._now_ns(), what)

        self._surroundings.change(change, told)

    def _take(self, due: Due) -> None:
        step, connection = due.step, self._connections[due.step.connection]
        if not self._state.may_take(step, self._now_ns()):
            return
        match step.action:
            case Open() as action:
                self._core.taken(step, self._now_ns())
                self._start(self._open(connection, step, action))
            case Send() as action:
                self._send(connection, due, action)
            case End() as action:
                self._core.taken(step, self._now_ns())
                connection.end(action, Sent(step.index, due.at_ns))
                abandoned_ns = self._now_ns() + self._state.patience_ns
                self._at(abandoned_ns, lambda _: connection.abandon())

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _open(self, connection: LiveConnection, step: Step, action: Open) -> None:
        buffer_bytes = self._plan.network_of(connection.name).receive_buffer_bytes
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await self._connect(connection, buffer_bytes)
        except (OSError, UnicodeError) as error:  # of TLS, timeouts and names too
            self._could_not_connect(connection, error)
            return
        self._reached_target = True
        connected_ns = self._now_ns()
        connection.record.connected_at_ns = connected_ns

        def upgrade(planned_ns: int) -> None:
            filled = self._state.filled_request(connection.name, action)
            if filled is None:
                connection.record.note(self._now_ns(), f"{step.name} {NOT_SENT}: {LACKS}")
                connection.abandon()
            elif connection.can_write:
                url, headers = filled
                asked = replace(action, headers=headers)
                pieces = connection.upgrade_request(url, asked, self._state.target)
                self._send_pieces(connection, step, pieces, planned_ns)

        self._at(connected_ns + action.upgrade_delay_ns, upgrade)
        self._notice()

    def _could_not_connect(self, connection: LiveConnection, error: Exception) -> None:
        reason = str(error) or "it did not answer in time"
        if not self._reached_target:
            target = self._state.target
            untrusted = isinstance(error, ssl.SSLCertVerificationError)
            hint = "--ca-file names whom to trust" if untrusted else "is the server running?"
            self._refused = TargetRefused(
                f"cannot connect to {target.host}:{target.port}: {reason}; {hint}"
            )
        connection.record.note(self._now_ns(), f"could not connect: {reason}")
        self._over(connection.name, self._now_ns())

    def _prepare(self, step: Step) -> None:
        """Make a message ready before its time, so that it goes out in its time."""
        connection = self._connections[step.connection]
        is_ready = connection.name in self._prepared
        if isinstance(step.action, Send) and connection.can_send and not is_ready:
            filled = self._filled(step, step.action)
            if filled is not None:
                self._prepared[connection.name] = connection.encode(filled)

    def _filled(self, step: Step, action: Send) -> Send | None:
        """Return a message with live values and fresh secrets; None where one is lacking."""
        payloads = self._state.filled_payloads(step, action)
        if payloads is None:
            return None
        fragments = tuple(
            replace(fragment, payload=payload)
            for fragment, payload in zip(action.fragments, payloads, strict=True)
        )
        return replace(action, fragments=fragments)

    def _send(self, connection: LiveConnection, due: Due, action: Send) -> None:
        step = due.step
        if not connection.can_send:
            self._core.taken(step, self._now_ns())
            connection.record.note(self._now_ns(), f"{step.name} {NOT_SENT}: the server closed")
            return
        pieces = self._prepared.pop(connection.name, None)
        if pieces is None:
            filled = self._filled(step, action)
            if filled is None:
                self._core.taken(step, self._now_ns())
                connection.record.note(self._now_ns(), f"{step.name} {NOT_SENT}: {LACKS}")
                return
            pieces = connection.encode(filled)
        self._core.taken(step, self._send_pieces(connection, step, pieces, due.at_ns))

    def _send_pieces(
        self, connection: LiveConnection, step: Step, pieces: Sequence[Piece], planned_ns: int
    ) -> int:
        """Send the first piece now and the others in their time; return when it was."""
        first_ns = connection.send(pieces[0], Sent(step.index, planned_ns))
        for piece in pieces[1:]:

            def rest(planned_ns: int, piece: Piece = piece) -> None:
                connection.send(piece, Sent(step.index, planned_ns))

            self._at(first_ns + piece.offset_ns, rest)
        return first_ns

    def _at(self, at_ns: int, act: Callable[[int], None]) -> None:
        heappush(self._timers, (at_ns, next(self._timer_ids), act))
        self._notice()

    def _soon(self, act: Callable[[], None]) -> None:
        self._inbox.append(act)
        self._notice()

    def _notice(self) -> None:
        """Look anew at what is due."""
        self._has_changed = True
        self._wake.set()

    def _happened(self, event: After, at_ns: int) -> None:
        self._core.happened(event, at_ns)
        self._notice()

    def _heard(self, connection: str, payload: bytes, is_text: bool, at_ns: int) -> None:
        self._state.heard(connection, payload, is_text, at_ns)
        self._notice()

    def _over(self, connection: str, at_ns: int) -> None:
        self._state.over(connection, at_ns)
        self._notice()
