"""The server's end: an application hears and may say what it would behind uvicorn."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from websockets.exceptions import ProtocolError
from websockets.frames import Close

from replay.engine.virtual.asgi_connection import AsgiConnection
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.message_pipe import Answered, Asked, CloseFrame, Message, PipeEnd, Said
from replay.engine.virtual.served import Served

ASKED = Asked(
    "/a%20b?c=d", (("Host", "h"), ("X-Mine", "ö"), ("Sec-WebSocket-Protocol", "chat, tell"))
)
LATENCY_NS = 250_000
ACCEPT = {"type": "websocket.accept"}
LEAVE = CloseFrame(Close(4000, "bye").serialize())
Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[Any]]


class Client(PipeEnd):
    """Keeps what it hears."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__(loop, LATENCY_NS)
        self.heard: list[Said | str] = []

    def hear(self, said: Said) -> None:
        self.heard.append(said)

    def hear_end(self) -> None:
        self.heard.append("end")

    def lose(self, *, was_reset: bool) -> None:
        if was_reset:
            self.heard.append("reset")


def served(app: App, *acts: Callable[[Client], None], root_path: str = "") -> list[Said | str]:
    """What a client hears that asks, and does these at 10 ms, 20 ms and so on."""

    async def main() -> list[Said | str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        config = uvicorn.Config(app, log_config=None, root_path=root_path)
        config.load()
        up = Served(config, {"shop": "open"})
        client, server = Client(loop), AsgiConnection(up, up.next_client(), loop, LATENCY_NS)
        client.meet(server)
        client.say(ASKED)
        for number, act in enumerate(acts):
            loop.at(loop.now_ns + 10_000_000 * (number + 1), act, client)
        await asyncio.sleep(60)
        assert not up.state.tasks
        return client.heard

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def word(text: str) -> Message:
    return Message(text.encode(), is_text=True)


def says(text: str) -> Callable[[Client], None]:
    return lambda client: client.say(word(text))


def leaves(client: Client) -> None:
    client.say(LEAVE)


def statuses(heard: list[Said | str]) -> list[int]:
    return [each.status for each in heard if isinstance(each, Answered)]


def test_the_scope_is_uvicorns() -> None:
    seen: dict[str, Any] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope)

    served(app, root_path="/root")
    assert seen["type"] == "websocket"
    assert (seen["path"], seen["raw_path"]) == ("/root/a b", b"/root/a%20b")
    assert (seen["query_string"], seen["root_path"]) == (b"c=d", "/root")
    assert (seen["client"], seen["server"]) == (("127.0.0.1", 50_000), ("127.0.0.1", 80))
    assert seen["headers"][:2] == [(b"host", b"h"), (b"x-mine", "ö".encode("latin-1"))]
    assert seen["subprotocols"] == ["chat", "tell"]
    assert seen["state"] == {"shop": "open"}
    assert seen["extensions"] == {"websocket.http.response": {}}


def test_messages_go_both_ways() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert await receive() == {"type": "websocket.connect"}
        await send({**ACCEPT, "subprotocol": "chat", "headers": [(b"X-Mine", b"1")]})
        while (event := await receive())["type"] == "websocket.receive":
            await send({**event, "type": "websocket.send"})
        assert event == {"type": "websocket.disconnect", "code": 4000, "reason": "bye"}

    binary = Message(b"\xff", is_text=False)
    heard = served(app, says("one"), lambda client: client.say(binary), leaves)
    assert isinstance(heard[0], Answered)
    assert (heard[0].status, heard[0].reason) == (101, "Switching Protocols")
    assert heard[0].headers[-2:] == (("x-mine", "1"), ("Sec-WebSocket-Protocol", "chat"))
    assert heard[1:] == [word("one"), binary, LEAVE, "end"]


@pytest.mark.parametrize(
    ("leave", "told"),
    [
        (leaves, 4000),
        (lambda client: client.say(CloseFrame(b"")), 1005),
        (lambda client: client.close(), 1005),
        (lambda client: client.say_end(), 1005),
        (lambda client: client.abort(resets=True), 1005),
    ],
)
def test_how_a_client_left_is_told_as_uvicorn_tells_it(
    leave: Callable[[Client], None], told: int
) -> None:
    codes: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        codes.append((await receive())["code"])

    served(app, leave)
    assert codes == [told]


def test_a_client_that_was_gone_before_the_answer() -> None:
    told: list[object] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        told.append((await receive())["code"])
        try:
            await send(ACCEPT)
        except OSError as error:
            told.append(type(error).__name__)

    served(app, lambda client: client.close())
    assert told == [1006, "ClientDisconnected"]


def test_one_message_waits_to_be_received_before_the_end_is_heard() -> None:
    told: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await receive()
        await asyncio.sleep(1)
        # "two" lies in the queue, so nobody has read yet that the client went.
        await send({"type": "websocket.send", "text": "still"})
        told.extend([(await receive())["type"], (await receive())["type"]])

    served(app, says("one"), says("two"), lambda client: client.say_end())
    assert told == ["websocket.receive", "websocket.disconnect"]


def test_a_send_to_who_is_gone_raises_what_uvicorn_raises() -> None:
    raised: list[str] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await asyncio.sleep(1)
        try:
            await send({"type": "websocket.send", "text": "too late"})
        except OSError as error:
            raised.append(type(error).__name__)
            raise

    served(app, leaves)
    assert raised == ["ClientDisconnected"]


def test_a_refusal_is_a_403() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close"})
        assert (await receive())["code"] == 1006

    heard = served(app)
    assert statuses(heard) == [403]
    assert heard[1:] == ["end"]


def test_a_denial_has_its_own_status_headers_and_body() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        start = {"type": "websocket.http.response.start", "status": 429}
        await send({**start, "headers": [(b"Content-Type", b"text/html")]})
        await send({"type": "websocket.http.response.body", "body": b"slow", "more_body": True})
        await send({"type": "websocket.http.response.body", "body": b"er"})

    (answer, end) = served(app)
    assert isinstance(answer, Answered)
    assert (answer.status, answer.reason, answer.body) == (429, "Too Many Requests", b"slower")
    assert answer.headers == (
        ("Content-Type", "text/html"),
        ("Connection", "close"),
        ("Content-Length", "6"),
    )
    assert end == "end"


async def _raises(scope: Scope, receive: Receive, send: Send) -> None:
    raise LookupError("no order")


async def _forgets(scope: Scope, receive: Receive, send: Send) -> None:
    return


async def _raises_later(scope: Scope, receive: Receive, send: Send) -> None:
    await send(ACCEPT)
    raise LookupError("no order")


async def _returns(scope: Scope, receive: Receive, send: Send) -> str:
    await send(ACCEPT)
    return "done"


@pytest.mark.parametrize(
    ("app", "status", "logged"),
    [
        (_raises, 500, "Exception in ASGI application"),
        (_raises_later, 101, "Exception in ASGI application"),
        (_forgets, 500, "ASGI callable returned without completing handshake."),
        (_returns, 101, "ASGI callable should return None, but returned 'done'."),
    ],
)
def test_a_failure_is_answered_and_logged_as_uvicorn_does(
    app: App, status: int, logged: str, caplog: pytest.LogCaptureFixture
) -> None:
    heard = served(app)
    assert statuses(heard) == [status]
    assert heard[-1] == "end"
    (record,) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert record.name == "uvicorn.error"
    assert record.getMessage().strip() == logged


def test_a_server_that_closes_waits_for_the_answer_so_long() -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        await send({"type": "websocket.close", "code": 4003, "reason": "enough"})
        assert (await receive())["code"] == 4003

    close = CloseFrame(Close(4003, "enough").serialize())
    assert served(app)[1:] == [close, "end"]
    assert served(app, lambda client: client.say(close))[1:] == [close, "end"]


@pytest.mark.parametrize(
    ("events", "error", "words"),
    [
        ([{"type": "websocket.send", "text": "x"}], RuntimeError, "Expected ASGI message"),
        ([ACCEPT, {"type": "websocket.accept"}], RuntimeError, "Expected ASGI message"),
        ([ACCEPT, {"type": "websocket.close", "code": 1006}], ProtocolError, "invalid"),
        (
            [ACCEPT, {"type": "websocket.close"}, {"type": "websocket.send", "text": "x"}],
            RuntimeError,
            "Unexpected ASGI message 'websocket.send', after sending 'websocket.close'",
        ),
        (
            [{"type": "websocket.http.response.start", "status": 42}],
            RuntimeError,
            "Invalid HTTP status code",
        ),
        (
            [{"type": "websocket.http.response.start", "status": 401}, ACCEPT],
            RuntimeError,
            "Expected ASGI message 'websocket.http.response.body'",
        ),
    ],
)
def test_what_may_not_be_said_raises_in_the_application(
    events: list[dict[str, Any]], error: type[Exception], words: str
) -> None:
    raised: list[Exception] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            for event in events:
                await send(event)
        except Exception as raises:
            raised.append(raises)

    served(app)
    (one,) = raised
    assert isinstance(one, error)
    assert words in str(one)


def test_a_server_that_goes_down_says_so() -> None:
    codes: list[int] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send(ACCEPT)
        codes.append((await receive())["code"])

    async def main() -> list[Said | str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        config = uvicorn.Config(app, log_config=None)
        config.load()
        up = Served(config, {})
        client, server = Client(loop), AsgiConnection(up, up.next_client(), loop, LATENCY_NS)
        client.meet(server)
        client.say(ASKED)
        await asyncio.sleep(1)
        assert server in up.state.connections
        server.shutdown()
        await asyncio.sleep(1)
        assert not up.state.connections
        return client.heard

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        heard = runner.run(main())
    assert codes == [1012]
    assert heard[1:] == [CloseFrame(Close(1012, "").serialize()), "end"]
