"""The proxy: accepts, connects on, and puts faults on and takes them off while it relays."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from random import Random

from capture.clock import NowNs, monotonic_ns
from capture.errors import ListenRefused
from replay.fault_proxy.down import Down
from replay.fault_proxy.fault import Fault
from replay.fault_proxy.relay import RESET_ON_CLOSE, Relay
from replay.fault_proxy.schedule import Scheduled
from replay.fault_proxy.timers import Timers

BACKLOG = 1024
DOWN = "down"
# Out of file descriptors: until some are free again, accepting would only turn in circles.
EXHAUSTED = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
ACCEPT_AGAIN_S = 0.2

Address = tuple[str, int]
"""Host and port."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Applied:
    """A fault that is on, and the connections that there were when it was put on."""

    fault: Fault
    living: tuple[int, ...]
    made_before: int

    def rank(self, number: int) -> int:
        """Return which connection this is to the fault: what came before it does not matter."""
        if number in self.living:
            return 1 + self.living.index(number)
        return len(self.living) + number - self.made_before


@dataclass(frozen=True, slots=True)
class _Accepted:
    """A connection that has no upstream yet."""

    number: int
    client: socket.socket


class FaultProxy:
    """Relays connections to `upstream` (host, port) under the faults that are on.

    An async context manager; `address` is where it listens. `tell` hears what happens. Faults may
    be put on and taken off at any time. Each draws anew from `seed` for the first, second, third
    connection since it was put on, and for each direction, so that the same traffic in the same
    reads meets the same times, whatever other connections do. Raises ListenRefused.
    """

    def __init__(
        self,
        upstream: Address,
        listen: Address = ("127.0.0.1", 0),
        *,
        seed: int = 0,
        now_ns: NowNs = monotonic_ns,
        tell: Tell = lambda _: None,
    ) -> None:
        self.connections = 0
        self.passed_bytes = Counter[str]()
        self._upstream = upstream
        self._listen = listen
        self._seed = seed
        self._now_ns = now_ns
        self._tell = tell
        self._applied: dict[str, _Applied] = {}
        self._relays: dict[Relay, int] = {}
        self._connecting: dict[asyncio.Task[None], _Accepted] = {}
        self._attaching: set[asyncio.Task[None]] = set()
        self._socket: socket.socket | None = None
        self._is_listening = False
        self._accept_again: asyncio.TimerHandle | None = None
        self._all_left: asyncio.Event

    @property
    def address(self) -> Address:
        """Where it listens."""
        if self._socket is not None:
            self._listen = self._socket.getsockname()[:2]
        return self._listen

    async def __aenter__(self) -> FaultProxy:
        self._loop = asyncio.get_running_loop()
        self._timers = Timers(self._now_ns)
        self._all_left = asyncio.Event()
        self._socket = _bound(self._listen)
        self._settle_listening()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_listening()
        if self._socket is not None:
            self._listen = self.address
            self._socket.close()
            self._socket = None
        self._give_up_connecting()
        if tasks := (*self._connecting, *self._attaching):
            await asyncio.wait(tasks)
        for relay in tuple(self._relays):
            relay.abort()
        while self._relays:
            self._all_left.clear()
            await self._all_left.wait()
        self._timers.close()

    def apply(self, key: str, fault: Fault) -> None:
        """Put a fault on at once, in place of one of the same key."""
        self.lift(key)
        connecting = (accepted.number for accepted in self._connecting.values())
        living = sorted((*self._relays.values(), *connecting))
        self._applied[key] = _Applied(fault, tuple(living), self.connections)
        self._tell(f"{key} is on: {fault}")
        if fault.refuses:
            self._settle_listening()
            self._give_up_connecting()
        for relay in tuple(self._relays):
            relay.apply(key, fault)

    def lift(self, key: str) -> None:
        """Take a fault off at once, if it is on; what it held goes on."""
        if self._applied.pop(key, None) is None:
            return
        self._tell(f"{key} is off")
        self._settle_listening()
        for relay in tuple(self._relays):
            relay.lift(key)

    def lift_all(self) -> None:
        """Take every fault off."""
        for key in tuple(self._applied):
            self.lift(key)

    def down(self) -> None:
        """Refuse new connections and reset the living ones, until `up`."""
        self.apply(DOWN, Down())

    def up(self) -> None:
        """Take connections again. Raises ListenRefused."""
        self.lift(DOWN)

    def follow(self, schedule: Iterable[Scheduled]) -> None:
        """Put the faults of a schedule on and take them off, from now on."""
        start_ns = self._now_ns()
        for number, each in enumerate(schedule, 1):
            key = f"scheduled {number}"
            begins_ns = start_ns + each.at_ns
            self._timers.at(begins_ns, partial(self.apply, key, each.fault))
            if each.for_ns is not None:
                self._timers.at(begins_ns + each.for_ns, partial(self.lift, key))

    def _settle_listening(self) -> None:
        """Listen unless a fault refuses."""
        refuses = any(applied.fault.refuses for applied in self._applied.values())
        if self._socket is None or refuses is not self._is_listening:
            return
        if refuses:
            self._stop_listening()
            # Closed, so that who was not accepted yet is refused too; bound again, so that nobody
            # else gets the port.
            address = self.address
            self._socket.close()
            self._socket = _bound(address)
            return
        try:
            self._socket.listen(BACKLOG)
        except OSError as error:
            raise _refused(self.address, error) from error
        self._is_listening = True
        self._loop.add_reader(self._socket, self._accept)

    def _stop_listening(self) -> None:
        if self._accept_again is not None:
            self._accept_again.cancel()
            self._accept_again = None
        if self._is_listening and self._socket is not None:
            self._loop.remove_reader(self._socket)
        self._is_listening = False

    def _accept(self) -> None:
        for _ in range(BACKLOG):
            if self._socket is None or not self._is_listening:
                return
            try:
                client, _ = self._socket.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                if error.errno not in EXHAUSTED:
                    raise
                self._tell(f"cannot accept: {error.strerror}")
                self._loop.remove_reader(self._socket)
                self._accept_again = self._loop.call_later(ACCEPT_AGAIN_S, self._accept_on)
                return
            client.setblocking(False)
            self.connections += 1
            task = self._loop.create_task(self._relay(client, self.connections))
            self._connecting[task] = _Accepted(self.connections, client)
            task.add_done_callback(self._connected_or_not)

    def _accept_on(self) -> None:
        self._accept_again = None
        if self._socket is not None and self._is_listening:
            self._loop.add_reader(self._socket, self._accept)

    async def _relay(self, client: socket.socket, number: int) -> None:
        relay = Relay(
            self._timers,
            self._now_ns,
            partial(self._generator, number),
            lambda what: self._tell(f"connection {number}: {what}"),
            lambda: self._left(relay),
        )
        host, port = self._upstream
        try:
            await self._loop.create_connection(lambda: relay.server, host, port)
        except (OSError, UnicodeError) as error:
            self._tell(f"connection {number}: cannot reach {host}:{port}: {error}")
            return
        task = asyncio.current_task()
        if task is not None:
            # From here on it is not cancelled: both ends get a transport, and leave by it.
            del self._connecting[task]
            self._attaching.add(task)
        self._relays[relay] = number
        for key, applied in self._applied.items():
            relay.apply(key, applied.fault)
        try:
            await self._loop.connect_accepted_socket(lambda: relay.client, client)
        except OSError as error:
            client.close()
            relay.client.connection_lost(error)

    def _left(self, relay: Relay) -> None:
        del self._relays[relay]
        for way in relay.ways:
            self.passed_bytes[way.direction] += way.passed_bytes
        self._all_left.set()

    def _give_up_connecting(self) -> None:
        """End the connections that have no upstream yet."""
        for task in tuple(self._connecting):
            task.cancel()

    def _connected_or_not(self, task: asyncio.Task[None]) -> None:
        self._attaching.discard(task)
        accepted = self._connecting.pop(task, None)
        if accepted is not None:
            # Without an upstream; cancelled before it began, the task could not do this itself.
            _reset(accepted.client)

    def _generator(self, number: int, key: str, purpose: str) -> Random:
        return Random(f"{self._seed} {key} {self._applied[key].rank(number)} {purpose}")


def _bound(address: Address) -> socket.socket:
    """Return a socket that is bound and does not listen yet. Raises ListenRefused."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sends small writes at once only where it is.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setblocking(False)
        # As servers do: connections that linger from before do not keep the port.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except (OSError, OverflowError) as error:
        sock.close()
        raise _refused(address, error) from error
    return sock


def _refused(address: Address, error: Exception) -> ListenRefused:
    reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    host, port = address
    return ListenRefused(
        f"cannot listen on {host}:{port}: {reason}; name another with --listen HOST:PORT"
    )


def _reset(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    sock.close()
