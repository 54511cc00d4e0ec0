"""Two ends of a connection in this process, as asyncio has them, with a latency between them.

Bytes arrive in order, `latency_ns` after they were written. An end that does not read fills what
lies between, until the other is asked to pause. RST and FIN are told apart, as TCP does.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any, cast

# What lies in the buffers of two kernels on the way; then a transport holds its own.
IN_FLIGHT_BYTES = 262_144
HIGH_WATER_BYTES, LOW_WATER_BYTES = 65_536, 16_384

Address = tuple[str, int]


class MemoryTransport(asyncio.Transport):
    """One end; with `resets` it goes without a goodbye, as a socket with SO_LINGER 0 does."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        protocol: asyncio.Protocol,
        latency_ns: int,
        own: Address,
        other: Address,
    ) -> None:
        super().__init__({"sockname": own, "peername": other})
        self._loop = loop
        self._protocol = protocol
        self._latency_s = latency_ns / 1e9
        self._peer: MemoryTransport | None = None
        self._arrived: deque[bytes] = deque()
        self._unread_bytes = 0
        self._is_reading = True
        self._is_writing_paused = False
        self._is_closing = False
        self._is_lost = False
        self._has_said_end = False
        self._has_heard_end = False
        self.resets = False

    def meet(self, peer: MemoryTransport) -> None:
        """Become the other end of `peer`."""
        self._peer = peer

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Have another protocol from now on, as after an upgrade."""
        self._protocol = cast("asyncio.Protocol", protocol)

    def get_protocol(self) -> asyncio.Protocol:
        """Return who hears what comes."""
        return self._protocol

    def is_closing(self) -> bool:
        """Whether this end goes, or is gone."""
        return self._is_closing

    def is_reading(self) -> bool:
        """Whether what comes is handed on."""
        return self._is_reading and not self._is_closing

    def pause_reading(self) -> None:
        """Leave what comes where it is."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Hand on what came, and what comes."""
        if not self._is_reading:
            self._is_reading = True
            self._loop.call_soon(self._hand_on)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Keep the limits that there are."""

    def get_write_buffer_size(self) -> int:
        """Return how much was written that does not fit on the way."""
        return max(0, self._peer_unread_bytes() - IN_FLIGHT_BYTES)

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes; after the end nobody hears them."""
        if self._is_closing or self._has_said_end or not data:
            return
        peer = self._met()
        chunk = bytes(data)
        peer._unread_bytes += len(chunk)
        self._later(lambda: peer._take(chunk))
        if not self._is_writing_paused and self.get_write_buffer_size() > HIGH_WATER_BYTES:
            self._is_writing_paused = True
            self._protocol.pause_writing()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send all of them as one."""
        self.write(b"".join(list_of_data))

    def can_write_eof(self) -> bool:
        """Whether one half can end before the other: yes."""
        return True

    def write_eof(self) -> None:
        """End this half."""
        if not self._has_said_end and not self._is_closing:
            self._say_end()

    def close(self) -> None:
        """End in order: what was written still arrives."""
        if self._is_closing:
            return
        if self.resets:
            self.abort()
            return
        self._is_closing = True
        if not self._has_said_end:
            self._say_end()
        self._loop.call_soon(self._lost, None)

    def abort(self) -> None:
        """End at once."""
        if self._is_lost:
            return
        self._is_closing = True
        peer = self._met()
        if self.resets or self._arrived:
            # A kernel that still holds what nobody read answers with a reset, too.
            self._later(lambda: peer._reset())
        elif not self._has_said_end:
            self._say_end()
        self._loop.call_soon(self._lost, None)

    def _say_end(self) -> None:
        self._has_said_end = True
        peer = self._met()
        self._later(lambda: peer._take(b""))

    def _take(self, data: bytes) -> None:
        """Hear bytes; none at all are the end."""
        if self._is_lost or self._is_closing:
            if data and not self._is_lost:
                self._unread_bytes -= len(data)
            elif data:
                # Who is gone answers with a reset.
                peer = self._met()
                self._later(lambda: peer._reset())
            return
        self._arrived.append(data)
        if self._is_reading:
            self._hand_on()

    def _hand_on(self) -> None:
        while self._arrived and self._is_reading and not self._is_closing:
            data = self._arrived.popleft()
            if data:
                self._unread_bytes -= len(data)
                self._met()._let_write()
                self._protocol.data_received(data)
            elif not self._has_heard_end:
                self._has_heard_end = True
                if not self._protocol.eof_received():
                    self.close()

    def _let_write(self) -> None:
        if self._is_writing_paused and self.get_write_buffer_size() <= LOW_WATER_BYTES:
            self._is_writing_paused = False
            if not self._is_lost:
                self._protocol.resume_writing()

    def _reset(self) -> None:
        if not self._is_lost:
            self._is_closing = True
            self._lost(ConnectionResetError("the other end reset the connection"))

    def _lost(self, error: Exception | None) -> None:
        if not self._is_lost:
            self._is_lost = True
            self._arrived.clear()
            self._protocol.connection_lost(error)

    def _later(self, act: Callable[[], None]) -> None:
        # Equal latencies keep the order in which they began: the loop sees to that.
        self._loop.call_later(self._latency_s, act)

    def _peer_unread_bytes(self) -> int:
        return self._met()._unread_bytes

    def _met(self) -> MemoryTransport:
        if self._peer is None:
            raise RuntimeError("a transport is used before it has another end")
        return self._peer


class ClientTransport(MemoryTransport):
    """The client's end, which can be asked and told in the way of sockets what clients ask of one.

    That it is to end by a reset, its addresses, and its file, which it has none of.
    """

    family, type, proto = socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP

    def get_extra_info(self, name: str, default: Any = None) -> Any:  # noqa: ANN401
        """Return what is asked for; the socket is this."""
        return self if name == "socket" else super().get_extra_info(name, default)

    def setsockopt(self, level: int, option: int, value: object) -> None:
        """Know SO_LINGER, and no other."""
        if (level, option) == (socket.SOL_SOCKET, socket.SO_LINGER):
            self.resets = True

    def getsockname(self) -> Address:
        """Return the address of this end."""
        name: Address = super().get_extra_info("sockname")
        return name

    def getpeername(self) -> Address:
        """Return the address of the other end."""
        name: Address = super().get_extra_info("peername")
        return name

    def fileno(self) -> int:
        """Return what a closed socket does."""
        return -1


def connect(
    loop: asyncio.AbstractEventLoop,
    client: asyncio.Protocol,
    server: asyncio.Protocol,
    latency_ns: int,
    addresses: tuple[Address, Address],
) -> ClientTransport:
    """Connect two protocols; both are told. `addresses` are the client's and the server's.

    Returns the client's end.
    """
    own, other = addresses
    client_end = ClientTransport(loop, client, latency_ns, own, other)
    server_end = MemoryTransport(loop, server, latency_ns, other, own)
    client_end.meet(server_end)
    server_end.meet(client_end)
    server.connection_made(server_end)
    client.connection_made(client_end)
    return client_end
