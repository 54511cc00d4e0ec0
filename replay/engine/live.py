"""The live shell: carries a plan out on real sockets, under the real clock, on time."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from heapq import heappop, heappush
from itertools import count
from pathlib import Path

from capture.clock import SPIN_NS, NowNs, monotonic_ns, wall_time
from capture.errors import UnwritableOutput
from capture.format.model import FORMAT, VERSION, Capture, Event, Header, Vantage
from capture.format.writer import FLUSH_EVERY_NS, CaptureWriter
from capture.recorder import Recorder, Sent
from replay.auth import TokenSource, Wallet
from replay.engine.core import Due, EngineCore
from replay.engine.live_connection import Listener, LiveConnection
from replay.errors import ReplayError, TargetRefused
from replay.plan import After, End, Open, Plan, Send, Step
from replay.target import Target

DEFAULT_PATIENCE_S = 5.0
LONGEST_PATIENCE_S = 86_400
CONNECT_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class RunSettings:
    """How a plan is carried out.

    `patience_s` is how much longer than recorded the client waits for the server. `about` goes into
    the header of the run. Raises ReplayError.
    """

    target: Target
    tokens: TokenSource
    patience_s: float = DEFAULT_PATIENCE_S
    about: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.patience_s <= LONGEST_PATIENCE_S:
            raise ReplayError(
                f"patience is {self.patience_s} s, expected 0 to {LONGEST_PATIENCE_S}"
            )


async def run_live(
    plan: Plan,
    settings: RunSettings,
    out: Path | None = None,
    *,
    overwrite: bool = False,
    now_ns: NowNs = monotonic_ns,
) -> Capture:
    """Carry out a plan; return the record of the run, which is also written to `out`.

    Raises NoToken before anything is sent, TargetRefused when nothing answers at the target (then
    `out` is not left behind), UnwritableOutput.
    """
    wallet = Wallet(plan.secrets, settings.tokens)
    wallet.check()
    redactor = wallet.redactor()
    events: list[Event] = []
    writer: CaptureWriter | None = None

    def emit(event: Event) -> None:
        events.append(event)
        if writer is not None:
            writer.write(event)

    started_at = wall_time()
    run = _LiveRun(plan, settings, wallet, Recorder(emit, redactor), now_ns)
    header = Header(
        format=FORMAT,
        version=VERSION,
        vantage=Vantage.CLIENT,
        started_at=started_at,
        recorder="deadheat replay",
        about={
            "target": settings.target.shown,
            "pace": plan.pace,
            **dict(settings.about),
        },
    )
    # Only now: settings that cannot work leave no file behind.
    writer = CaptureWriter(out, header, overwrite=overwrite) if out is not None else None
    flushing = asyncio.create_task(_keep_flushing(writer)) if writer is not None else None
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
    events.sort(key=lambda event: event.at_ns)
    return Capture(header=header, events=tuple(events))


async def _keep_flushing(writer: CaptureWriter) -> None:
    while True:
        await asyncio.sleep(FLUSH_EVERY_NS / 1e9)
        # What cannot be written stays pending, and the end of the run says so.
        with contextlib.suppress(UnwritableOutput):
            writer.flush()


class _LiveRun:
    """The state of one live run."""

    def __init__(
        self, plan: Plan, settings: RunSettings, wallet: Wallet, recorder: Recorder, now_ns: NowNs
    ) -> None:
        # Certificates take a while to load, which would be lateness.
        self._tls = settings.target.tls()
        began_ns = now_ns()
        self._now_ns: NowNs = lambda: now_ns() - began_ns
        self._settings = settings
        self._wallet = wallet
        self._core = EngineCore(plan, round(settings.patience_s * 1e9))
        self._changed = asyncio.Event()
        self._timers: list[tuple[int, int, Callable[[int], None]]] = []
        self._timer_ids = count()
        self._opening: set[asyncio.Task[None]] = set()
        self._reached_target = False
        self._refused: TargetRefused | None = None
        listener = Listener(happened=self._happened, over=self._over)
        self._connections = {
            name: LiveConnection(
                name,
                recorder.connection(settings.target.origin, name=name),
                listener,
                self._now_ns,
            )
            for name in plan.connections
        }

    async def carry_out(self) -> None:
        """Take every step in its time; return when all connections ended."""
        # A collection in the middle of a send is a late send.
        gc_was_on = gc.isenabled()
        gc.disable()
        try:
            while not self._core.is_finished:
                # Found out before the waiting: after it, every microsecond is lateness.
                due = self._core.due()
                if await self._reached(self._next_ns(due)):
                    self._act(due, self._now_ns())
                if self._refused is not None:
                    raise self._refused
        finally:
            if gc_was_on:
                gc.enable()
            for task in self._opening:
                task.cancel()
            for connection in self._connections.values():
                if not self._core.is_finished and not connection.is_over:
                    connection.record.note(self._now_ns(), "the replay was interrupted")
                connection.abandon()
                connection.record.finish()

    def _next_ns(self, due: list[Due]) -> int | None:
        """Return when there is something to do next, unless something happens before."""
        times = [each.at_ns for each in due[:1]]
        times += [at_ns for at_ns, _, _ in self._timers[:1]]
        give_up_ns = self._core.next_give_up_ns()
        return min([*times, give_up_ns] if give_up_ns is not None else times, default=None)

    async def _reached(self, at_ns: int | None) -> bool:
        """Wait until `at_ns`; return False as soon as something happened before."""
        if self._changed.is_set():
            # What is due may be another thing now.
            self._changed.clear()
            return False
        if at_ns is None:
            await self._changed.wait()
            return False
        coarse_ns = at_ns - self._now_ns() - SPIN_NS
        if coarse_ns > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._changed.wait(), coarse_ns / 1e9)
        while not self._changed.is_set():
            if self._now_ns() >= at_ns:
                return True
            await asyncio.sleep(0)
        return False

    def _act(self, due: list[Due], now_ns: int) -> None:
        while self._timers and self._timers[0][0] <= now_ns:
            planned_ns, _, act = heappop(self._timers)
            act(planned_ns)
        for each in due:
            if each.at_ns <= now_ns:
                self._take(each)
        for given_up in self._core.give_up(now_ns):
            connection = self._connections[given_up.step.connection]
            what = "was dropped" if given_up.dropped else "went on"
            connection.record.note(
                now_ns, f"{given_up.step.name} waited in vain for {given_up.waited_for}, and {what}"
            )
            if given_up.waited_for.connection == connection.name and not connection.can_send:
                connection.abandon()

    def _take(self, due: Due) -> None:
        step, connection = due.step, self._connections[due.step.connection]
        match step.action:
            case Open() as action:
                self._core.taken(step, self._now_ns())
                task = asyncio.create_task(self._open(connection, step, action))
                self._opening.add(task)
                task.add_done_callback(self._opening.discard)
            case Send() as action:
                self._send(connection, due, action)
            case End() as action:
                self._core.taken(step, self._now_ns())
                connection.end(action, Sent(step.index, due.at_ns))
                patience_ns = round(self._settings.patience_s * 1e9)
                self._at(self._now_ns() + patience_ns, lambda _: connection.abandon())

    async def _open(self, connection: LiveConnection, step: Step, action: Open) -> None:
        target, loop = self._settings.target, asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                await loop.create_connection(
                    lambda: connection, target.host, target.port, ssl=self._tls
                )
        except (OSError, UnicodeError) as error:  # of TLS, timeouts and names too
            self._could_not_connect(connection, error)
            return
        self._reached_target = True
        connected_ns = self._now_ns()
        connection.record.connected_at_ns = connected_ns

        def upgrade(planned_ns: int) -> None:
            url = self._wallet.fill(target.address(action.url))
            filled = replace(action, headers=self._wallet.fill_headers(action.headers))
            if not connection.is_over:
                connection.ask_for_upgrade(url, filled, target, Sent(step.index, planned_ns))

        self._at(connected_ns + action.upgrade_delay_ns, upgrade)
        self._changed.set()

    def _could_not_connect(self, connection: LiveConnection, error: Exception) -> None:
        reason = str(error) or "it did not answer in time"
        if not self._reached_target:
            target = self._settings.target
            untrusted = isinstance(error, ssl.SSLCertVerificationError)
            hint = "--ca-file names whom to trust" if untrusted else "is the server running?"
            self._refused = TargetRefused(
                f"cannot connect to {target.host}:{target.port}: {reason}; {hint}"
            )
        connection.record.note(self._now_ns(), f"could not connect: {reason}")
        self._over(connection.name, self._now_ns())

    def _send(self, connection: LiveConnection, due: Due, action: Send) -> None:
        step = due.step
        if not connection.can_send:
            self._core.taken(step, self._now_ns())
            connection.record.note(self._now_ns(), f"{step.name} was not sent: the server closed")
            return
        fragments = tuple(
            replace(fragment, payload=self._wallet.fill_payload(fragment.payload))
            for fragment in action.fragments
        )
        action = replace(action, fragments=fragments)
        first_ns = connection.send(connection.encode(action, 0), Sent(step.index, due.at_ns))
        self._core.taken(step, first_ns)
        for number in range(1, len(fragments)):

            def rest(planned_ns: int, number: int = number) -> None:
                if connection.can_send:
                    data = connection.encode(action, number)
                    connection.send(data, Sent(step.index, planned_ns))

            self._at(first_ns + fragments[number].offset_ns, rest)

    def _at(self, at_ns: int, act: Callable[[int], None]) -> None:
        heappush(self._timers, (at_ns, next(self._timer_ids), act))

    def _happened(self, event: After, at_ns: int) -> None:
        self._core.happened(event, at_ns)
        self._changed.set()

    def _over(self, connection: str, at_ns: int) -> None:
        left = self._core.over(connection, at_ns)
        if left:
            names = ", ".join(str(step.index) for step in left)
            note = f"the connection ended before its steps {names}"
            self._connections[connection].record.note(at_ns, note)
        self._changed.set()
