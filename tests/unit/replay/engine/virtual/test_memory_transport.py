from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable, Coroutine
from typing import Any

from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.memory_transport import (
    HIGH_WATER_BYTES,
    IN_FLIGHT_BYTES,
    ClientTransport,
    MemoryTransport,
    connect,
)

LATENCY_NS = 1_000_000
ADDRESSES = (("127.0.0.1", 50_000), ("127.0.0.1", 80))


class End(asyncio.Protocol):
    """Notes what happens at one end, and when in milliseconds.

    With `keeps_open` it does not end because the other did.
    """

    def __init__(self, *, keeps_open: bool = False) -> None:
        self.transport: MemoryTransport = None  # type: ignore[assignment]
        self.heard: list[tuple[object, int]] = []
        self.paused: list[bool] = []
        self._keeps_open = keeps_open

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, MemoryTransport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self._note(data)

    def eof_received(self) -> bool:
        self._note("end")
        return self._keeps_open

    def connection_lost(self, error: Exception | None) -> None:
        self._note("lost" if error is None else type(error).__name__)

    def pause_writing(self) -> None:
        self.paused.append(True)

    def resume_writing(self) -> None:
        self.paused.append(False)

    @property
    def said(self) -> list[object]:
        return [what for what, _ in self.heard]

    def _note(self, what: object) -> None:
        self.heard.append((what, round(asyncio.get_running_loop().time() * 1e3)))


def run(
    act: Callable[[End, End], Coroutine[Any, Any, None]], *, keeps_open: bool = False
) -> tuple[End, End]:
    """Connect two ends, do something, and return both once all is quiet."""

    async def main() -> tuple[End, End]:
        client, server = End(), End(keeps_open=keeps_open)
        connect(asyncio.get_running_loop(), client, server, LATENCY_NS, ADDRESSES)
        await act(client, server)
        await asyncio.sleep(1)
        return client, server

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def test_bytes_arrive_in_order_after_the_latency() -> None:
    async def act(client: End, server: End) -> None:
        client.transport.write(b"a")
        client.transport.writelines([b"b", b"c"])
        server.transport.write(b"x")

    client, server = run(act)
    assert server.heard == [(b"a", 1), (b"bc", 1)]
    assert client.heard == [(b"x", 1)]


def test_who_closes_is_heard_to_the_end() -> None:
    async def act(client: End, server: End) -> None:
        client.transport.write(b"a")
        client.transport.close()
        client.transport.write(b"too late")

    client, server = run(act)
    assert server.heard == [(b"a", 1), ("end", 1), ("lost", 1)]
    assert client.said == ["lost"]
    assert client.transport.is_closing()


def test_one_half_may_end_before_the_other() -> None:
    async def act(client: End, server: End) -> None:
        client.transport.write_eof()
        await asyncio.sleep(0.1)
        server.transport.write(b"still here")
        await asyncio.sleep(0.1)
        server.transport.close()

    client, server = run(act, keeps_open=True)
    assert server.said == ["end", "lost"]
    assert client.said == [b"still here", "end", "lost"]


def test_a_reset_takes_what_was_not_read_with_it() -> None:
    async def act(client: End, server: End) -> None:
        sock = client.transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.transport.abort()

    client, server = run(act)
    assert server.heard == [("ConnectionResetError", 1)]
    assert client.said == ["lost"]


def test_an_abort_alone_is_an_end() -> None:
    async def act(client: End, server: End) -> None:
        client.transport.abort()
        client.transport.abort()

    client, server = run(act)
    assert server.said == ["end", "lost"]
    assert client.said == ["lost"]


def test_who_writes_to_who_is_gone_is_reset() -> None:
    async def act(client: End, server: End) -> None:
        client.transport.close()
        await asyncio.sleep(0.000_5)
        # The end is on its way.
        server.transport.write(b"answer")

    client, server = run(act, keeps_open=True)
    assert server.said == ["end", "ConnectionResetError"]
    assert client.said == ["lost"]


def test_who_does_not_read_has_the_other_pause() -> None:
    async def act(client: End, server: End) -> None:
        client.transport.pause_reading()
        server.transport.write(b"x" * IN_FLIGHT_BYTES)
        assert server.paused == []
        server.transport.write(b"x" * (HIGH_WATER_BYTES + 1))
        assert server.paused == [True]
        await asyncio.sleep(0.1)
        assert client.heard == []
        assert not client.transport.is_reading()
        client.transport.resume_reading()

    client, server = run(act)
    assert sum(len(data) for data, _ in client.heard) == IN_FLIGHT_BYTES + HIGH_WATER_BYTES + 1
    assert server.paused == [True, False]


def test_addresses_and_protocols() -> None:
    async def act(client: End, server: End) -> None:
        assert isinstance(client.transport, ClientTransport)
        assert client.transport.get_extra_info("peername") == ADDRESSES[1]
        assert server.transport.get_extra_info("peername") == ADDRESSES[0]
        assert server.transport.get_extra_info("socket") is None
        other = End()
        server.transport.set_protocol(other)
        assert server.transport.get_protocol() is other
        client.transport.write(b"a")
        await asyncio.sleep(0.1)
        assert other.said == [b"a"]

    _, server = run(act)
    assert server.said == []
