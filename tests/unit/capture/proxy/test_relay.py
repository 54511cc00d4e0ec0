"""What the relay decides: which bytes go where, how halves end, what is recorded of it."""

import asyncio
import socket
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from capture.format.model import Direction, Event, Frame, Note, Side, TcpClose, UpgradeRequest
from capture.format.reader import read_capture
from capture.format.writer import CaptureWriter
from capture.http_head import MAX_HEAD_BYTES, parse_head
from capture.proxy.copy_queue import CopyQueue
from capture.proxy.relay import RecordingProxy, Relay
from capture.proxy.upstream import Upstream
from capture.recorder import Recorder
from capture.redaction import Redactor
from tests.unit.capture.format.test_model import HEADER
from tests.unit.capture.wire import REQUEST, RESPONSE, TEXT, client, frame


class Wire(asyncio.Transport):
    """Stands in for a transport: keeps what was done to it."""

    def __init__(self, *, half_closes: bool = True) -> None:
        super().__init__()
        self.written = b""
        self.done: list[str] = []
        self.half_closes = half_closes

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def write_eof(self) -> None:
        self.done.append("eof")

    def can_write_eof(self) -> bool:
        return self.half_closes

    def close(self) -> None:
        self.done.append("close")

    def abort(self) -> None:
        self.done.append("abort")

    def is_closing(self) -> bool:
        return "close" in self.done or "abort" in self.done

    def pause_reading(self) -> None:
        self.done.append("pause")

    def resume_reading(self) -> None:
        self.done.append("resume")

    def get_extra_info(self, name: str, default: object = None) -> Any:  # noqa: ANN401
        assert name == "socket"
        return self

    def setsockopt(self, level: int, option: int, _: bytes) -> None:
        assert (level, option) == (socket.SOL_SOCKET, socket.SO_LINGER)
        self.done.append("linger")


class Scene:
    """A relay between two stand-ins, and its recording."""

    def __init__(self, path: Path, upstream: str = "ws://up.test:9/") -> None:
        self.path = path
        self.writer = CaptureWriter(path, HEADER)
        ticks = count(1)
        self.failed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        now_ns: Callable[[], int] = lambda: next(ticks)  # noqa: E731
        queue = CopyQueue(self.writer, now_ns, self.failed)
        recorder = Recorder(self.writer.write, Redactor())
        self.proxy = RecordingProxy(Upstream(upstream), None, recorder, queue, now_ns)
        self.client, self.server = Wire(), Wire()
        self.refusal: OSError | None = None
        self.proxy.loop.create_connection = self.connect  # type: ignore[method-assign]

    async def connect(
        self, factory: Callable[[], asyncio.Protocol], *_: object, **__: object
    ) -> None:
        if self.refusal is not None:
            raise self.refusal
        factory().connection_made(self.server)

    async def opened(self) -> Relay:
        half = self.proxy.accept()
        half.connection_made(self.client)
        relay: Relay = half.relay  # type: ignore[attr-defined]
        await relay._connecting  # type: ignore[misc]
        return relay

    def events(self) -> list[Event]:
        self.proxy.stop()
        self.writer.end()
        return list(read_capture(self.path).events)


@pytest.fixture
async def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path / "x.jsonl")


@pytest.fixture(autouse=True)
async def _restore_loop() -> Any:  # noqa: ANN401
    loop = asyncio.get_running_loop()
    yield
    vars(loop).pop("create_connection", None)


def kinds(events: list[Event]) -> list[str]:
    return [type(event).__name__ for event in events]


async def test_bytes_go_on_as_they_came_and_are_recorded(scene: Scene) -> None:
    relay = await scene.opened()
    relay.client.data_received(REQUEST)
    relay.server.data_received(RESPONSE + frame(TEXT, b"down"))
    relay.client.data_received(client(TEXT, b"up"))
    assert scene.server.written.endswith(client(TEXT, b"up"))
    assert scene.client.written == RESPONSE + frame(TEXT, b"down")
    texts = [event.text for event in scene.events() if isinstance(event, Frame)]
    assert texts == ["down", "up"]


async def test_only_the_host_of_a_request_is_changed(scene: Scene) -> None:
    relay = await scene.opened()
    relay.client.data_received(REQUEST[:20])
    assert scene.server.written == b""
    relay.client.data_received(REQUEST[20:])
    assert scene.server.written == REQUEST.replace(b"Host: example.test", b"Host: up.test:9")


@pytest.mark.parametrize(
    ("origin", "sent_on"),
    [
        (b"http://example.test", "http://up.test:9"),
        (b"https://other.test", "https://other.test"),
        (b"null", "null"),
        (b"http://[::1", "http://[::1"),
    ],
)
async def test_only_an_origin_of_the_proxy_is_changed(
    scene: Scene, origin: bytes, sent_on: str
) -> None:
    relay = await scene.opened()
    relay.client.data_received(REQUEST.replace(b"\r\n\r\n", b"\r\nOrigin: " + origin + b"\r\n\r\n"))
    assert parse_head(scene.server.written).get("Origin") == sent_on


async def test_without_a_host_no_origin_is_the_proxys(scene: Scene) -> None:
    relay = await scene.opened()
    request = REQUEST.replace(b"Host: example.test\r\n", b"Origin: null\r\n")
    relay.client.data_received(request)
    assert scene.server.written == request


@pytest.mark.parametrize(
    ("target", "sent_on"), [("/", "/own/ws"), ("/?a=1", "/own/ws?a=1"), ("/else", "/else")]
)
async def test_the_path_of_the_upstream_stands_for_the_root(
    tmp_path: Path, target: str, sent_on: str
) -> None:
    scene = Scene(tmp_path / "x.jsonl", "ws://up.test/own/ws")
    relay = await scene.opened()
    relay.client.data_received(REQUEST.replace(b"/ws", target.encode()))
    assert parse_head(scene.server.written).target == sent_on


async def test_plain_http_is_relayed_once_and_noted(scene: Scene) -> None:
    relay = await scene.opened()
    relay.client.data_received(b"GET /health?token=abc HTTP/1.1\r\nHost: x\r\n\r\nbody")
    assert scene.server.written == (
        b"GET /health?token=abc HTTP/1.1\r\nHost: up.test:9\r\nConnection: close\r\n\r\nbody"
    )
    (note,) = scene.events()
    assert isinstance(note, Note)
    assert note.text == "relayed plain HTTP to /health, not recorded"


async def test_what_is_no_http_is_relayed_and_noted(scene: Scene) -> None:
    relay = await scene.opened()
    relay.client.data_received(b"x" * (MAX_HEAD_BYTES + 1))
    assert len(scene.server.written) == MAX_HEAD_BYTES + 1
    assert "no HTTP" in scene.events()[0].text  # type: ignore[union-attr]


async def test_what_comes_while_connecting_waits(scene: Scene) -> None:
    half = scene.proxy.accept()
    half.connection_made(scene.client)
    half.data_received(REQUEST)  # type: ignore[attr-defined]
    assert scene.client.done == ["pause"]
    await half.relay._connecting  # type: ignore[attr-defined]
    assert b"up.test:9" in scene.server.written
    assert scene.client.done == ["pause", "resume"]


async def test_a_half_close_stays_one(scene: Scene) -> None:
    relay = await scene.opened()
    relay.client.data_received(REQUEST)
    assert relay.client.eof_received() is True
    assert scene.server.done == ["eof"]
    relay.server.data_received(RESPONSE)
    assert scene.client.written == RESPONSE
    assert relay.server.eof_received() is False
    assert scene.client.done[-1] == "close"
    closes = [event for event in scene.events() if isinstance(event, TcpClose)]
    assert [(each.side, each.how) for each in closes] == [("client", "fin"), ("server", "fin")]


async def test_tls_knows_no_half_close(scene: Scene) -> None:
    scene.server = Wire(half_closes=False)
    relay = await scene.opened()
    assert relay.client.eof_received() is False
    assert scene.server.done == ["close"]


@pytest.mark.parametrize("resetting", ["client", "server"])
async def test_a_reset_stays_one(scene: Scene, resetting: str) -> None:
    relay = await scene.opened()
    relay.client.data_received(REQUEST)
    getattr(relay, resetting).connection_lost(ConnectionResetError())
    other = scene.server if resetting == "client" else scene.client
    assert other.done[-2:] == ["linger", "abort"]
    (close,) = (event for event in scene.events() if isinstance(event, TcpClose))
    assert (close.side, close.how) == (resetting, "reset")


async def test_a_reset_after_a_half_close_is_recorded_too(scene: Scene) -> None:
    relay = await scene.opened()
    relay.client.data_received(REQUEST)
    relay.client.eof_received()
    relay.client.connection_lost(ConnectionResetError())
    relay.client.connection_lost(ConnectionResetError())
    closes = [event.how for event in scene.events() if isinstance(event, TcpClose)]
    assert closes == ["fin", "reset"]


async def test_a_connection_that_timed_out_says_so(scene: Scene) -> None:
    relay = await scene.opened()
    relay.client.data_received(REQUEST)
    relay.server.connection_lost(TimeoutError())
    (close,) = (event for event in scene.events() if isinstance(event, TcpClose))
    assert (close.side, close.how) == (Side.SERVER, "timeout")


async def test_an_end_within_the_request_is_passed_on_and_noted(scene: Scene) -> None:
    relay = await scene.opened()
    relay.client.data_received(REQUEST[:15])
    relay.client.eof_received()
    assert scene.server.written == REQUEST[:15]
    assert "within its request" in scene.events()[0].text  # type: ignore[union-attr]


async def test_a_slow_reader_stops_the_other_side(scene: Scene) -> None:
    relay = await scene.opened()
    scene.client.done.clear()
    relay.server.pause_writing()
    relay.server.resume_writing()
    assert scene.client.done == ["pause", "resume"]
    relay.client.pause_writing()
    relay.client.resume_writing()
    assert scene.server.done == ["pause", "resume"]


async def test_an_upstream_that_is_down_is_a_502_and_a_note(scene: Scene) -> None:
    scene.refusal = ConnectionRefusedError(111, "Connect call failed")
    relay = await scene.opened()
    relay.client.data_received(REQUEST)
    head, _, body = scene.client.written.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 502 Bad Gateway\r\n")
    assert f"Content-Length: {len(body)}".encode() in head
    assert b"cannot reach ws://up.test:9" in body
    assert scene.client.done == ["eof", "resume"]
    assert relay.client.eof_received() is False
    relay.client.connection_lost(None)
    assert scene.events()[0].text.startswith("cannot reach")  # type: ignore[union-attr]


async def test_a_client_that_left_while_connecting_leaves_nothing_open(scene: Scene) -> None:
    half = scene.proxy.accept()
    half.connection_made(scene.client)
    scene.client.close()
    half.connection_lost(None)
    assert scene.proxy.relays == set()


async def test_the_end_of_the_recording_writes_all_and_says_what_was_open(scene: Scene) -> None:
    relay = await scene.opened()
    relay.client.data_received(REQUEST)
    relay.server.data_received(RESPONSE + frame(TEXT, b"half", fin=False))
    events = scene.events()
    assert kinds(events) == ["UpgradeRequest", "UpgradeResponse", "Frame", "Note"]
    assert "while this connection was open" in events[-1].text  # type: ignore[union-attr]
    assert scene.client.done[-1] == scene.server.done[-1] == "abort"


async def test_connections_are_told_apart(scene: Scene) -> None:
    for _ in range(2):
        scene.client, scene.server = Wire(), Wire()
        relay = await scene.opened()
        relay.client.data_received(REQUEST)
    opened = [event for event in scene.events() if isinstance(event, UpgradeRequest)]
    assert [event.connection for event in opened] == ["c1", "c2"]


async def test_directions_are_named_by_their_sender(scene: Scene) -> None:
    relay = await scene.opened()
    assert relay.client.direction is Direction.CLIENT_TO_SERVER
    assert relay.server.direction is Direction.SERVER_TO_CLIENT
