"""An event loop on stock CPython scheduling whose time is not the world's: it jumps to what is due.

What a program may rely on holds: callbacks run in the order in which they were scheduled, and equal
delays end in the order in which they began. Beyond that the same program does the same, run after
run: tasks and futures have a hash of their own, so that sets of them have one order.

What is not part of the program, such as the clients of a server, may have an agenda of its own:
plain calls at a time, without handles, tasks and turns of the loop, which makes runs cheap.

Worker threads run inline. While a real socket has been written to and not answered, time stands
still, since the other side takes none of ours. Private names of asyncio that this rests on:
`_clock_resolution`, `_scheduled`, `_ready`, `_make_socket_transport`, `_fd_to_key`,
`_SelectorSocketTransport._read_ready`.
"""

from __future__ import annotations

import asyncio
import math
import random
import selectors
import socket
from asyncio import events, selector_events
from collections.abc import Callable, Coroutine
from contextvars import Context
from heapq import heappop, heappush
from itertools import count
from threading import get_ident
from typing import Any
from weakref import ReferenceType, ref

from replay.engine.virtual.memory_transport import connect
from replay.engine.virtual.services import Services
from replay.engine.virtual.timer_site import timer_site
from replay.errors import ReplayError
from replay.timers import Timer

# Each reading of the clock takes so long, or equal delays would end at the very same time, and the
# heap of timers keeps no order among those.
TICK_NS = 100
# What work takes that would have gone to a thread.
THREAD_NS = 50_000
# How long a message to a service in memory takes, and from which ports it is connected to.
SERVICE_LATENCY_NS = 250_000
FIRST_OWN_PORT = 40_000
# How long, in the world's time, a real socket may take to answer, and to say more after it did.
ANSWER_S = 1.0
MORE_S = 0.000_5
# A program that always has more to do (`while not ready: await asyncio.sleep(0)`) would hold time
# up: after so many turns without a pause each takes about as long as in the world.
SPINS_AFTER = 1_000
TURN_NS = 20_000
# Signals come through a pipe, which is looked at every so many turns.
LOOK_EVERY = 1_000


_SocketTransport: Any = selector_events._SelectorSocketTransport  # type: ignore[attr-defined]


class NothingWillHappen(ReplayError):
    """Everybody waits, and nothing is left that anybody could be waiting for."""

    def __init__(self) -> None:
        super().__init__(
            "the application waits for something that never comes: no timer, no message and no "
            "socket is left that could wake it (another thread or process cannot, in this time)"
        )


class OrderedTask(asyncio.Task[Any]):
    """A task whose place in a set follows from when it was made."""

    __slots__ = ("number",)
    number: int

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class OrderedFuture(asyncio.Future[Any]):
    """A future whose place in a set follows from when it was made."""

    __slots__ = ("number",)
    number: int

    def __hash__(self) -> int:
        return self.number

    def __eq__(self, other: object) -> bool:
        return self is other


class VirtualLoop(asyncio.SelectorEventLoop):
    """Runs tasks as any loop of asyncio does, with `now_ns` nanoseconds since it was made."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.unanswered: set[object] = set()
        self.services = Services()
        self.looks_at_clock = 0
        self._numbers = count()
        self._timers: list[Timer] = []
        self._agenda: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._entries = count()
        self._own_ports = count()
        self._begun: list[ReferenceType[OrderedTask]] = []
        self._chance_before: Any = None
        self.agenda_failed: Callable[[Exception], None] = _raise
        super().__init__(_JumpingSelector(self))
        self._clock_resolution = 1e-9
        self.set_task_factory(_ordered_task)  # type: ignore[arg-type]

    def time(self) -> float:
        """Return the time in seconds. To read it takes a tick."""
        self.now_ns += TICK_NS
        return self.now_ns / 1e9

    def read_ns(self) -> int:
        """Return the time in nanoseconds, for who only watches: it takes none."""
        return self.now_ns

    def look_at_clock(self) -> int:
        """Return the time in nanoseconds, for the program: who waits for a time by looking at the
        clock again and again has it pass.
        """
        # Other threads of this process look when they like.
        if get_ident() == self._thread_id:  # type: ignore[attr-defined]
            self.looks_at_clock += 1
            if self.looks_at_clock > SPINS_AFTER:
                self.now_ns += TURN_NS
        return self.now_ns

    def begin_anew(self) -> None:
        """Have what follows begin at time 0, with task 0, as the first time: what waits waits on.

        Times are fractions and the order in a set follows from numbers, so both would depend on
        what there was before.
        """
        for timer in self._scheduled:  # type: ignore[attr-defined]
            timer._when -= self.now_ns / 1e9
        self.now_ns = 0
        self._numbers = count()
        self._own_ports = count()
        self._timers.clear()
        self._begun.clear()
        self.drop_agenda()

    def jump(self, for_s: float | None) -> None:
        """Have so much time pass, unless the agenda has something before; None is for ever.

        Raises NothingWillHappen.
        """
        until_ns = math.inf if for_s is None else self.now_ns + math.ceil(for_s * 1e9)
        if self.follow_agenda(until_ns):
            return
        if for_s is None:
            raise NothingWillHappen
        self.now_ns = int(until_ns)

    def call_at(  # type: ignore[override]
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,  # noqa: ANN401
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Set a timer, and remember it: where it ends is where things change."""
        if site := timer_site():
            self._timers.append(Timer(round(when * 1e9), site))
        return super().call_at(when, callback, *args, context=context)

    def timers_after(self, began_ns: int) -> list[Timer]:
        """Return the timers that the program set and that end after a time, counted from it.

        Also those that it took back. Each time and site is there once.
        """
        later = (Timer(timer.ends_ns - began_ns, timer.site) for timer in self._timers)
        return sorted({timer for timer in later if timer.ends_ns > 0})

    def at(self, at_ns: int, act: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401
        """Put a call on the agenda; it cannot be taken back.

        `agenda_failed` is told of what it raises.
        """
        heappush(self._agenda, (at_ns, next(self._entries), act, arguments))

    def drop_agenda(self) -> None:
        """Take back all calls on the agenda, at the end of a run: none is for what follows."""
        self._agenda.clear()
        self.agenda_failed = _raise

    def passed(self, seconds: float) -> asyncio.Future[None]:
        """Return a future that is done after a time; it is no timer of the program's."""
        future = self.create_future()
        self.at(self.now_ns + round(seconds * 1e9), future.set_result, None)
        return future

    def follow_agenda(self, until_ns: float) -> bool:
        """Make the calls up to a time, or to the first that gives the program something to do.

        Returns whether there was any.
        """
        agenda, ready = self._agenda, self._ready  # type: ignore[attr-defined]
        scheduled = self._scheduled  # type: ignore[attr-defined]
        timers = len(scheduled)
        has_acted = False
        try:
            while agenda and agenda[0][0] <= until_ns:
                at_ns, _, act, arguments = heappop(agenda)
                if at_ns > self.now_ns:
                    self.now_ns = at_ns
                has_acted = True
                act(*arguments)
                if ready or len(scheduled) != timers:
                    break
        except Exception as error:
            self.agenda_failed(error)
        return has_acted

    def seed(self, seed: int) -> None:
        """Have `random` draw by a seed; it goes on as before when the loop is closed.

        To take its state back after each run is slow.
        """
        if self._chance_before is None:
            self._chance_before = random.getstate()
        random.seed(seed)

    def close(self) -> None:
        """Close the loop, and give back what belongs to all."""
        super().close()
        if self._chance_before is not None:
            random.setstate(self._chance_before)
            self._chance_before = None

    def begin_task(self, task: OrderedTask) -> None:
        """Number a task, and remember it."""
        task.number = next(self._numbers)
        self._begun.append(ref(task))

    def tasks_begun(self) -> list[OrderedTask]:
        """Return the tasks that are not done, in the order in which they began."""
        begun = (task() for task in self._begun)
        return [task for task in begun if task is not None and not task.done()]

    def create_future(self) -> OrderedFuture:
        """Return a future of this loop."""
        future = OrderedFuture(loop=self)
        future.number = next(self._numbers)
        return future

    def run_in_executor(  # type: ignore[override]
        self,
        executor: object,
        func: Callable[..., Any],
        *args: Any,  # noqa: ANN401
    ) -> asyncio.Future[Any]:
        """Run `func` in this thread, a moment later: in another, its end would be by chance."""
        future = self.create_future()

        def run() -> None:
            if future.cancelled():
                return
            # As in a thread, where no loop runs and nothing is known of who asked.
            events._set_running_loop(None)
            try:
                future.set_result(Context().run(func, *args))
            except Exception as error:
                future.set_exception(error)
            finally:
                events._set_running_loop(self)

        self.call_later(THREAD_NS / 1e9, run)
        return future

    async def create_connection(  # type: ignore[override]
        self,
        protocol_factory: Callable[[], asyncio.Protocol],
        host: str | None = None,
        port: int | str | None = None,
        **options: Any,  # noqa: ANN401 - asyncio's, and more with each release
    ) -> tuple[asyncio.Transport, asyncio.Protocol]:
        """Connect to a service: to the one in memory where there is one, without TLS.

        Raises OSError, ConnectionRefusedError where it may not be connected to.
        """
        answer = self.services.answer(host, port)
        if answer is None:
            if host is not None:
                self.services.check(host)
            usual: Any = super().create_connection
            made: tuple[Any, Any] = await usual(protocol_factory, host, port, **options)
            return made
        # SYN and SYN ACK.
        await asyncio.sleep(2 * SERVICE_LATENCY_NS / 1e9)
        own = ("127.0.0.1", FIRST_OWN_PORT + next(self._own_ports))
        protocol, addresses = protocol_factory(), (own, (str(host), int(port or 0)))
        return connect(self, protocol, answer(), SERVICE_LATENCY_NS, addresses), protocol

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        **options: int,
    ) -> list[Any]:
        """Look a host up; who may be connected to by name may be by address."""
        name = host.decode() if isinstance(host, bytes) else host or ""
        own = self.services.address(name)
        if own is not None:
            kind = options.get("type", 0) or socket.SOCK_STREAM
            return [(socket.AF_INET, kind, 0, "", (own, int(port or 0)))]
        found: list[Any] = await super().getaddrinfo(host, port, **options)
        self.services.looked_up(name, [entry[4][0] for entry in found])
        return found

    async def sock_connect(self, sock: socket.socket, address: Any) -> None:  # noqa: ANN401
        """Connect a real socket, which takes no time of ours. Raises OSError."""
        self.unanswered.add(sock)
        try:
            await super().sock_connect(sock, address)
        finally:
            self.unanswered.discard(sock)

    def _make_socket_transport(
        self,
        sock: socket.socket,
        protocol: asyncio.BaseProtocol,
        waiter: asyncio.Future[Any] | None = None,
        *,
        extra: dict[str, Any] | None = None,
        server: object = None,
    ) -> asyncio.Transport:
        # Who is served here is a part of the program: time goes on while it thinks.
        kind = _AskingTransport if server is None else _SocketTransport
        transport: asyncio.Transport = kind(self, sock, protocol, waiter, extra, server)
        return transport


class _JumpingSelector(selectors.DefaultSelector):
    """Never waits for a time to come, only for real sockets that owe an answer."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop
        self._looks = 0
        self._busy_turns = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready on real sockets; if nothing is, the time has come when this returns.

        Raises NothingWillHappen.
        """
        loop = self._loop
        is_idle = timeout is None or timeout > 0
        self._looks += 1
        loop.looks_at_clock = 0
        if is_idle:
            self._busy_turns = 0
        else:
            self._busy_turns += 1
            if self._busy_turns > SPINS_AFTER:
                loop.now_ns += TURN_NS
            loop.follow_agenda(loop.now_ns)
        # One of them is the loop's own pipe, by which signals come.
        has_sockets = len(self._fd_to_key) > 1  # type: ignore[attr-defined]
        if has_sockets or self._looks % LOOK_EVERY == 0:
            ready = super().select(self._patience_s() if is_idle and has_sockets else 0.0)
            if ready or not is_idle:
                return ready
            loop.unanswered.clear()
        if is_idle:
            loop.jump(timeout)
        return []

    def _patience_s(self) -> float:
        return ANSWER_S if self._loop.unanswered else MORE_S


class _AskingTransport(_SocketTransport):  # type: ignore[misc]
    """A real socket to somewhere else: from what is written to it until it is read, time stands."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Write, and wait for the answer."""
        self._loop.unanswered.add(self)
        super().write(data)

    def _read_ready(self) -> None:
        self._loop.unanswered.discard(self)
        super()._read_ready()

    def _call_connection_lost(self, error: Exception | None) -> None:
        self._loop.unanswered.discard(self)
        super()._call_connection_lost(error)


def _raise(error: Exception) -> None:
    raise error


def _ordered_task(
    loop: VirtualLoop,
    coroutine: Coroutine[Any, Any, Any],
    **options: Any,  # noqa: ANN401 - asyncio's, and more with each release
) -> OrderedTask:
    # The task is put into a set as it is made.
    task: OrderedTask = OrderedTask.__new__(OrderedTask)
    loop.begin_task(task)
    OrderedTask.__init__(task, coroutine, loop=loop, **options)
    return task
