"""The client's end: what it says and hears is recorded, and told to the core."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from websockets.frames import Close

from capture.format.model import (
    CloseHow,
    Event,
    Frame,
    Note,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)
from capture.recorder import Recorder, Sent
from replay.auth import TokenSource, Wallet
from replay.engine.run_state import RunState
from replay.engine.virtual.direct_connection import DirectConnection, request_headers
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.message_pipe import Answered, CloseFrame, Message, PipeEnd, Said
from replay.limits import UNLIMITED
from replay.plan import End, Ending, Open
from replay.planning import plan_from_capture
from replay.target import Target
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
TALK = plan_from_capture(capture_of(C1.opened(0), C1.sent(10, "one"), C1.left(20)))
TARGET = Target("ws://127.0.0.1:8000")
LATENCY_NS = 250_000
OPENED = Answered(101, "Switching Protocols", ())
SENT = Sent(2, 7)


class Server(PipeEnd):
    """Keeps what it hears."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__(loop, LATENCY_NS)
        self.heard: list[Said | str] = []

    def hear(self, said: Said) -> None:
        self.heard.append(said)

    def hear_end(self) -> None:
        self.heard.append("end")

    def lose(self, *, was_reset: bool) -> None:
        self.heard.append("reset" if was_reset else "lost")


Act = Callable[[DirectConnection, Server], None]


class Played:
    """A connection that is there at 1 ms, and what was done to it, one thing every 10 ms."""

    def __init__(self, *acts: Act) -> None:
        self.events: list[Event] = []
        self.changes = 0
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            runner.run(self._play(acts))

    async def _play(self, acts: tuple[Act, ...]) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        recorder = Recorder(self.events.append, None)
        wallet = Wallet({}, TokenSource())
        state = RunState(TALK, TARGET, UNLIMITED, 10**9, wallet, recorder)
        record = recorder.connection("ws://127.0.0.1:8000", name="c1")
        self.client = DirectConnection("c1", record, state, self._changed, loop, LATENCY_NS)
        self.server = Server(loop)
        loop.at(loop.now_ns + 1_000_000, self.client.connected, self.server)
        for number, act in enumerate(acts):
            loop.at(loop.now_ns + 10_000_000 * (number + 1), act, self.client, self.server)
        await asyncio.sleep(1)
        self.is_over = state.core.is_finished

    def _changed(self) -> None:
        self.changes += 1

    def closes(self) -> list[tuple[Side, CloseHow, int | None]]:
        return [(e.side, e.how, e.step) for e in self.events if isinstance(e, TcpClose)]

    def frames(self) -> list[tuple[str, str, int | None]]:
        frames = [event for event in self.events if isinstance(event, Frame)]
        return [(e.direction.sender, e.opcode, e.close_code) for e in frames]


def answers(client: DirectConnection, server: Server) -> None:
    server.say(OPENED)


def ends(ending: Ending, code: int | None = None) -> Act:
    return lambda client, server: client.end(End(ending, code), SENT)


def test_a_handshake_and_messages_are_recorded() -> None:
    def asks(client: DirectConnection, server: Server) -> None:
        client.ask("/ws?a=b", (("Host", "h"),), Sent(0, 5))

    played = Played(
        asks,
        answers,
        lambda client, server: client.send(b"one", SENT, is_text=True),
        lambda client, server: server.say(Message(b"x" * 70_000, is_text=False)),
    )
    request, response, sent, said = played.events
    assert isinstance(request, UpgradeRequest)
    assert (request.url, request.step, request.planned_at_ns) == (
        "ws://127.0.0.1:8000/ws?a=b",
        0,
        5,
    )
    assert request.connected_at_ns == pytest.approx(1_000_000, abs=1_000)
    assert isinstance(response, UpgradeResponse)
    assert response.at_ns == pytest.approx(20_250_000, abs=10_000)
    assert isinstance(sent, Frame)
    assert (sent.text, sent.masked, sent.wire_length) == ("one", True, 9)
    assert (sent.step, sent.planned_at_ns) == (2, 7)
    assert isinstance(said, Frame)
    assert (said.opcode, said.masked, said.wire_length) == ("binary", False, 70_010)
    assert played.server.heard[1:] == [Message(b"one", is_text=True)]
    assert played.changes == 2


@pytest.mark.parametrize(
    ("ending", "closes", "heard"),
    [
        (Ending.FIN, [(Side.CLIENT, CloseHow.FIN, 2)], ["end", "lost"]),
        (Ending.RESET, [(Side.CLIENT, CloseHow.RESET, 2)], ["reset"]),
        (
            Ending.HALF_CLOSE,
            # The server closes when it hears of it.
            [(Side.CLIENT, CloseHow.FIN, 2), (Side.SERVER, CloseHow.FIN, None)],
            ["end", "lost"],
        ),
        (Ending.AWAIT, [], []),
    ],
)
def test_how_the_client_ends(
    ending: Ending, closes: list[tuple[Side, CloseHow, int | None]], heard: list[str]
) -> None:
    played = Played(answers, ends(ending))
    assert played.closes() == closes
    assert played.server.heard == heard
    assert played.is_over is (ending is not Ending.AWAIT)


@pytest.mark.parametrize(("code", "sent"), [(4000, 4000), (1006, None), (None, None)])
def test_a_close_frame_is_sent_once_and_only_with_a_code_that_may_be(
    code: int | None, sent: int | None
) -> None:
    played = Played(
        answers,
        ends(Ending.CLOSE, code),
        lambda client, server: server.say(CloseFrame(Close(1000, "").serialize())),
    )
    assert played.frames() == [("client", "close", sent), ("server", "close", 1000)]
    assert not played.client.can_send


def test_a_close_of_the_server_is_answered() -> None:
    def leaves(client: DirectConnection, server: Server) -> None:
        server.say(CloseFrame(Close(4003, "enough").serialize()))

    played = Played(answers, leaves, lambda client, server: server.close())
    assert played.frames() == [("server", "close", 4003), ("client", "close", 4003)]
    assert played.closes() == [
        (Side.SERVER, CloseHow.FIN, None),
        (Side.CLIENT, CloseHow.FIN, None),
    ]


def test_nothing_is_answered_after_a_half_close() -> None:
    played = Played(
        answers,
        lambda client, server: server.pause_reading(),
        ends(Ending.HALF_CLOSE),
        lambda client, server: server.say(CloseFrame(b"")),
    )
    assert played.frames() == [("server", "close", None)]


def test_an_end_before_the_connection_is_there_comes_with_it() -> None:
    early = _Early(End(Ending.RESET))
    assert early.closes() == [(Side.CLIENT, CloseHow.RESET, 2)]


class _Early(Played):
    def __init__(self, end: End) -> None:
        self._end = end
        super().__init__()

    async def _play(self, acts: tuple[Act, ...]) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.at(0, lambda: self.client.end(self._end, SENT))
        await super()._play(acts)


def test_who_is_waited_for_no_longer_is_left() -> None:
    played = Played(answers, lambda client, server: client.abandon())
    assert played.closes() == [(Side.CLIENT, CloseHow.TIMEOUT, None)]
    assert played.server.heard == ["end", "lost"]


def test_a_reset_of_the_server_is_its_own() -> None:
    played = Played(answers, lambda client, server: server.abort(resets=True))
    assert played.closes()[0] == (Side.SERVER, CloseHow.RESET, None)
    assert played.is_over


@pytest.mark.parametrize(
    ("offered", "chosen", "problem"),
    [
        ("chat", "chat", ""),
        ("", "chat", "no subprotocols supported"),
        ("chat", "tell", "unsupported subprotocol: tell"),
    ],
)
def test_a_subprotocol_has_to_be_one_that_was_offered(
    offered: str, chosen: str, problem: str
) -> None:
    name = "Sec-WebSocket-Protocol"
    headers = ((name, offered),) if offered else ()
    played = Played(
        lambda client, server: client.ask("/", headers, SENT),
        lambda client, server: server.say(Answered(101, "Switching Protocols", ((name, chosen),))),
    )
    notes = [event.text for event in played.events if isinstance(event, Note)]
    assert any(problem in note for note in notes) is bool(problem)
    assert played.client.can_send is not bool(problem)


def test_the_headers_are_those_of_a_handshake_and_the_recorded_ones() -> None:
    action = Open("wss://shop.example/ws", ())
    recorded = (
        ("Host", "shop.example"),
        ("Origin", "https://shop.example"),
        ("sec-websocket-protocol", "chat,tell"),
        ("Sec-WebSocket-Extensions", "permessage-deflate"),
    )
    headers = dict(request_headers(action, recorded, TARGET))
    assert len(headers.pop("Sec-WebSocket-Key")) == 24
    assert headers == {
        "Host": "127.0.0.1:8000",
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Protocol": "chat, tell",
        "Origin": "http://127.0.0.1:8000",
    }
