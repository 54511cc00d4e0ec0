"""The relay: accepts, connects on, and passes bytes through a pipe for each direction."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from capture.clock import NowNs, monotonic_ns, sleep_until
from capture.errors import ListenRefused
from replay.fault_proxy.fault import TO_CLIENT, TO_SERVER, Fault, Timed
from replay.fault_proxy.pipe import Pipe

READ_BYTES = 65_536
# More than this in one direction is left in the sockets, so that the sender feels it.
MOST_HELD_BYTES = 1 << 20
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Tell = Callable[[str], None]
Address = tuple[str, int]
"""Host and port."""


@dataclass(slots=True)
class _Applied:
    """A fault that is on, and when it began."""

    fault: Fault
    began_ns: int


class FaultProxy:
    """Relays connections to `upstream` (host, port) under the faults that are on.

    An async context manager; `address` is where it listens. `tell` hears what happens. Faults may
    be put on and taken off at any time. The same seed draws the same times for the same traffic.
    Raises ListenRefused.
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
        self._upstream = upstream
        self._listen = listen
        self._random = random.Random(seed)
        self._now_ns = now_ns
        self._tell = tell
        self._applied: dict[str, _Applied] = {}
        self._relays: set[_Relay] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.connections = 0

    @property
    def address(self) -> Address:
        """Where it listens."""
        if self._server is None:
            return self._listen
        host, port = self._server.sockets[0].getsockname()[:2]
        return host, port

    async def __aenter__(self) -> FaultProxy:
        host, port = self._listen
        try:
            self._server = await asyncio.start_server(self._accepted, host, port)
        except OSError as error:
            reason = error.strerror or str(error)
            raise ListenRefused(f"cannot listen on {host}:{port}: {reason}") from error
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def apply(self, key: str, fault: Fault) -> None:
        """Put a fault on, in place of one of the same key."""
        self.lift(key)
        self._applied[key] = _Applied(fault, self._now_ns())
        for relay in self._relays:
            relay.apply(key, fault)
        self._tell(f"{key}: {fault.to_json()} is on")

    def lift(self, key: str) -> None:
        """Take a fault off, if it is on; what it held goes on."""
        if self._applied.pop(key, None) is not None:
            for relay in self._relays:
                relay.lift(key)
            self._tell(f"{key} is off")

    def lift_all(self) -> None:
        """Take every fault off."""
        for key in list(self._applied):
            self.lift(key)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.connections += 1
        name = f"connection {self.connections}"
        try:
            upstream = await asyncio.open_connection(*self._upstream)
        except OSError as error:
            self._tell(f"{name}: the upstream refused: {error.strerror or error}")
            reset(writer)
            return
        relay = _Relay((reader, writer), upstream, self._random, self._now_ns)
        self._relays.add(relay)
        for key, applied in self._applied.items():
            relay.apply(key, applied.fault)
        try:
            await relay.run()
        except asyncio.CancelledError:
            relay.cut()
        finally:
            self._relays.discard(relay)
            if relay.was_cut:
                self._tell(f"{name} was cut")


class _Relay:
    """One connection, both ways."""

    def __init__(
        self,
        client: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        upstream: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        generator: random.Random,
        now_ns: NowNs,
    ) -> None:
        self._random = generator
        self._now_ns = now_ns
        self._writers = (client[1], upstream[1])
        self._ways = {
            TO_SERVER: _Way(client[0], upstream[1], now_ns),
            TO_CLIENT: _Way(upstream[0], client[1], now_ns),
        }
        self._cuts: dict[str, asyncio.TimerHandle] = {}
        self.was_cut = False

    async def run(self) -> None:
        """Relay until both ways ended, or one was cut."""
        reading = [asyncio.create_task(way.read()) for way in self._ways.values()]
        writing = [asyncio.create_task(way.write()) for way in self._ways.values()]
        try:
            await asyncio.gather(*writing)
        except _Spent:
            self.was_cut = True
        except OSError:
            self.cut()
        finally:
            for task in (*reading, *writing):
                task.cancel()
            for timer in self._cuts.values():
                timer.cancel()
            for writer in self._writers:
                writer.close()

    def apply(self, key: str, fault: Fault) -> None:
        """Put a fault on this connection, if it is one of those that the fault takes."""
        if self._random.random() >= fault.toxicity:
            return
        for direction, way in self._ways.items():
            if fault.works(direction):
                way.pipe.apply(key, fault, self._random)
        if fault.cuts_after_ns is not None:
            loop = asyncio.get_running_loop()
            self._cuts[key] = loop.call_later(fault.cuts_after_ns / 1e9, self.cut)

    def lift(self, key: str) -> None:
        """Take a fault off this connection."""
        timer = self._cuts.pop(key, None)
        if timer is not None:
            timer.cancel()
        for way in self._ways.values():
            way.released(way.pipe.lift(key, self._now_ns()))

    def cut(self) -> None:
        """Reset both sides."""
        self.was_cut = True
        for writer in self._writers:
            reset(writer)
        for way in self._ways.values():
            way.stop()


class _Spent(Exception):
    """A limit was reached: the connection ends."""


@dataclass(slots=True, eq=False)
class _Way:
    """One direction: read, wait until it is due, write."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    now_ns: NowNs
    pipe: Pipe = field(default_factory=Pipe)
    _out: deque[Timed] = field(default_factory=deque)
    _held_bytes: int = 0
    _has_ended: bool = False
    _error: OSError | None = None
    _is_stopped: bool = False
    _moved: asyncio.Event = field(default_factory=asyncio.Event)

    def released(self, items: list[Timed]) -> None:
        """Send what a lifted fault held."""
        self._out.extend(items)
        self._moved.set()

    def stop(self) -> None:
        """Relay no more."""
        self._is_stopped = True
        self._moved.set()

    async def read(self) -> None:
        """Take what comes, as long as there is room."""
        try:
            while data := await self.reader.read(READ_BYTES):
                self._held_bytes += len(data)
                self._out.extend(self.pipe.put(data, self.now_ns()))
                self._moved.set()
                while self._held_bytes > MOST_HELD_BYTES:
                    self._moved.clear()
                    await self._moved.wait()
            self._has_ended = True
        except OSError as error:
            self._error = error
        self._moved.set()

    async def write(self) -> None:
        """Write what is due to the end. Raises OSError, _Spent."""
        while not self._is_stopped:
            if self._out:
                data, due_ns = self._out.popleft()
                await sleep_until(due_ns, self.now_ns)
                self.writer.write(data)
                await self.writer.drain()
                self._held_bytes -= len(data)
                self._moved.set()
            elif self.pipe.is_cut:
                raise _Spent
            elif self._error is not None:
                raise self._error
            elif self._has_ended and (ends_ns := self.pipe.end(self.now_ns())) is not None:
                await sleep_until(ends_ns, self.now_ns)
                if self.writer.can_write_eof():
                    self.writer.write_eof()
                return
            else:
                self._moved.clear()
                await self._moved.wait()


def reset(writer: asyncio.StreamWriter) -> None:
    """End a connection without a word."""
    sock = writer.get_extra_info("socket")
    if sock is not None and sock.fileno() >= 0:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
