"""The edge between protocols in memory; the application behind it is a few lines."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import pytest

from replay.engine.virtual.edge import Edge
from replay.engine.virtual.edge_limits import EdgeLimits
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.memory_transport import connect

LATENCY_NS = 125_000
REQUEST = b"GET /ws HTTP/1.1\r\nupgrade: websocket\r\n\r\n"
SWITCHED = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"


class Heard(asyncio.Protocol):
    """Keeps what comes, and when it ended and how."""

    def __init__(self) -> None:
        self.data = b""
        self.ended_s: float | None = None
        self.how: object = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, error: Exception | None) -> None:
        self.ended_s = asyncio.get_running_loop().time()
        self.how = type(error)


class Server(Heard):
    """Takes every handshake `late_s` after it is whole."""

    late_s = 0.0

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.data.endswith(b"\r\n\r\n"):
            asyncio.get_running_loop().call_later(self.late_s, self.transport.write, SWITCHED)


class Behind:
    """An edge with servers behind it; `at` is the time since it was made."""

    def __init__(self, limits: EdgeLimits, late_s: float) -> None:
        self.servers: list[Server] = []
        self.loop = asyncio.get_running_loop()
        self._late_s = late_s
        self._began_s = self.loop.time()
        self._edge = Edge(limits, self._connect)

    def _connect(self, client: asyncio.Protocol) -> None:
        server = Server()
        server.late_s = self._late_s
        self.servers.append(server)
        connect(self.loop, client, server, LATENCY_NS, (("edge", 1), ("server", 2)))

    def client(self, *says: bytes) -> Heard:
        client = Heard()
        addresses = (("client", 3), ("edge", 4))
        connect(self.loop, client, self._edge.new_client(), LATENCY_NS, addresses)
        for data in says:
            client.transport.write(data)
        return client

    def since(self, at_s: float | None) -> float:
        assert at_s is not None
        return at_s - self._began_s


def within(
    body: Callable[[Behind], Awaitable[None]], late_s: float = 0.0, **limits: float | str
) -> None:
    async def main() -> None:
        await body(Behind(EdgeLimits(**limits), late_s))  # type: ignore[arg-type]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())


def test_bytes_pass_in_both_directions_once_the_head_is_whole() -> None:
    async def body(behind: Behind) -> None:
        client = behind.client(REQUEST[:9])
        await asyncio.sleep(1)
        assert behind.servers == []
        client.transport.write(REQUEST[9:])
        await asyncio.sleep(1)
        client.transport.write(b"ask")
        behind.servers[0].transport.write(b"tell")
        await asyncio.sleep(1)
        assert client.data == SWITCHED + b"tell"
        assert behind.servers[0].data == REQUEST + b"ask"
        client.transport.write_eof()
        await asyncio.sleep(1)
        assert behind.servers[0].how is type(None)
        assert client.how is type(None)

    within(body)


@pytest.mark.parametrize("cut", ["fin", "rst"])
def test_a_request_that_lasts_too_long_is_cut_on_both_sides(cut: str) -> None:
    async def body(behind: Behind) -> None:
        client = behind.client(REQUEST)
        await asyncio.sleep(400)
        server = behind.servers[0]
        for side in (client, server):
            assert behind.since(side.ended_s) == pytest.approx(300, abs=0.01)
            assert side.how is (type(None) if cut == "fin" else ConnectionResetError)
        assert client.data == SWITCHED

    within(body, request_timeout_s=300, cut=cut)


@pytest.mark.parametrize("limit", ["request_timeout_s", "handshake_timeout_s"])
def test_who_is_not_answered_in_time_hears_504(limit: str) -> None:
    async def body(behind: Behind) -> None:
        client = behind.client(REQUEST)
        await asyncio.sleep(16)
        assert client.data.startswith(b"HTTP/1.1 504 Gateway Timeout\r\n")
        assert client.data.endswith(b"upstream request timeout")
        assert behind.since(client.ended_s) == pytest.approx(15, abs=0.01)
        assert behind.servers[0].ended_s is not None

    within(body, late_s=20, **{limit: 15})


def test_the_handshake_timeout_is_over_with_the_101() -> None:
    async def body(behind: Behind) -> None:
        client = behind.client(REQUEST)
        await asyncio.sleep(60)
        assert (client.data, client.ended_s) == (SWITCHED, None)

    within(body, handshake_timeout_s=15)


def test_who_says_nothing_is_cut_and_who_does_is_not() -> None:
    async def body(behind: Behind) -> None:
        client = behind.client(REQUEST)
        for _ in range(5):
            await asyncio.sleep(8)
            behind.servers[0].transport.write(b"tick")
        assert client.ended_s is None
        await asyncio.sleep(11)
        assert behind.since(client.ended_s) == pytest.approx(50, abs=0.01)

    within(body, idle_connection_s=10)


def test_a_full_server_lets_wait_and_then_refuses() -> None:
    async def body(behind: Behind) -> None:
        first, second, third = behind.client(REQUEST), behind.client(REQUEST), None
        await asyncio.sleep(5)
        assert (first.data, second.data) == (SWITCHED, b"")
        third = behind.client(REQUEST)
        first.transport.close()
        await asyncio.sleep(1)
        assert second.data == SWITCHED
        await asyncio.sleep(10)
        assert third.data.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
        assert len(behind.servers) == 2

    within(body, concurrency=1, queue_s=10)


def test_handshakes_are_held() -> None:
    async def body(behind: Behind) -> None:
        client = behind.client(REQUEST)
        await asyncio.sleep(0.49)
        assert behind.servers == []
        await asyncio.sleep(0.02)
        assert client.data == SWITCHED

    within(body, handshake_delay_s=0.5)


def test_a_server_that_ends_before_it_answers_is_502() -> None:
    async def body(behind: Behind) -> None:
        client = behind.client(REQUEST)
        await asyncio.sleep(1)
        behind.servers[0].transport.abort()
        await asyncio.sleep(1)
        assert client.data.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")

    within(body, late_s=5)


def test_a_client_that_resets_is_reset_on_the_other_side() -> None:
    async def body(behind: Behind) -> None:
        client = behind.client(REQUEST)
        await asyncio.sleep(1)
        client.transport.resets = True  # type: ignore[attr-defined]
        client.transport.abort()
        await asyncio.sleep(1)
        assert behind.servers[0].how is ConnectionResetError

    within(body)


def test_a_client_that_does_not_read_slows_the_server_down() -> None:
    async def body(behind: Behind) -> None:
        client = behind.client(REQUEST)
        await asyncio.sleep(1)
        client.transport.pause_reading()
        server = behind.servers[0].transport
        for _ in range(40):
            server.write(b"x" * 65_536)
            await asyncio.sleep(0.1)
        assert server.get_write_buffer_size() > 0
        client.transport.resume_reading()
        await asyncio.sleep(1)
        assert server.get_write_buffer_size() == 0
        assert len(client.data) == len(SWITCHED) + 40 * 65_536

    within(body)
