"""One connection against a server that behaves as uvicorn does when a client leaves."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import httpx
import pytest
from starlette.websockets import WebSocket

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.authentication import Authenticator, Credentials
from local_staging.chat_backend.connection import Connection, refuse
from local_staging.chat_backend.sessions import Session
from local_staging.chat_backend.transcript import TranscriptStore
from local_staging.tokens import TokenVerifier

CHAT = {"type": "websocket.receive", "text": '{"type": "chat", "text": "hello"}'}
LEFT = {"type": "websocket.disconnect", "code": 1000}


class Server:
    """Hands out what a client sent; breaks every send after the first `sends_until_left`."""

    def __init__(self, *incoming: dict[str, Any], sends_until_left: int = 1_000) -> None:
        self.sent: list[Any] = []
        self._incoming = [{"type": "websocket.connect"}, *incoming]
        self._sends_until_left = sends_until_left
        scope: dict[str, Any] = {"type": "websocket", "headers": [], "subprotocols": []}
        self.websocket = WebSocket(scope, self._receive, self._send)

    @property
    def texts(self) -> list[str]:
        """The types of the messages that reached the client."""
        sent = (message for message in self.sent if message["type"] == "websocket.send")
        return [json.loads(message["text"])["type"] for message in sent]

    async def _receive(self) -> dict[str, Any]:
        return self._incoming.pop(0) if self._incoming else LEFT

    async def _send(self, message: Any) -> None:  # noqa: ANN401 - ASGI leaves it open
        if len(self.sent) >= self._sends_until_left:
            raise OSError("the client left")
        self.sent.append(message)


class LeavingServer(Server):
    """Accepts a client whose socket is closing: it learns so one turn of the loop later."""

    async def _send(self, message: Any) -> None:  # noqa: ANN401 - ASGI leaves it open
        if message["type"] == "websocket.accept":
            self._left = False
            asyncio.get_running_loop().call_soon(setattr, self, "_left", True)
        elif self._left:
            raise OSError("the client left")
        else:
            raise RuntimeError("Expected ASGI message 'websocket.accept'")


def connection(
    server: Server, *, active: bool = True, handshake_complete: asyncio.Event | None = None
) -> Connection:
    async def introspect(request: httpx.Request) -> httpx.Response:
        # A network takes a moment, in which other tasks run.
        await asyncio.sleep(0.001)
        return httpx.Response(200, json={"active": active})

    transport = httpx.MockTransport(introspect)
    http = httpx.AsyncClient(base_url="http://auth", transport=transport)
    transcript = TranscriptStore().of_user("alice")
    return Connection(
        server.websocket,
        Session("alice", transcript, Agent(transcript, asyncio.sleep)),
        Credentials("token"),
        Authenticator(http, TokenVerifier({})),
        asyncio.Event() if handshake_complete is None else handshake_complete,
    )


async def test_first_message_is_read_after_the_handshake() -> None:
    server = Server(CHAT)
    await connection(server).serve()
    assert server.sent[0]["type"] == "websocket.accept"
    assert server.texts[0] == "connection_ready"
    assert server.texts[-1] == "agent_completed"


async def test_event_that_is_set_too_early_makes_it_read_before_accept() -> None:
    early = asyncio.Event()
    early.set()
    server = Server(CHAT)
    raced = connection(server, handshake_complete=early)
    with pytest.raises(ExceptionGroup) as caught:
        await raced.serve()
    assert caught.group_contains(RuntimeError, match='Need to call "accept" first')
    assert (server.sent, raced.accepted) == ([], False)


@pytest.mark.parametrize(
    ("sends_until_left", "accepted"), [(0, False), (1, True), (2, True), (4, True)]
)
async def test_client_that_leaves_is_no_error(
    sends_until_left: int, accepted: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    left = connection(Server(CHAT, sends_until_left=sends_until_left))
    await left.serve()
    assert left.accepted is accepted
    assert "client left" in caplog.text
    assert {record.levelname for record in caplog.records} == {"INFO"}


async def test_client_that_leaves_at_the_moment_of_accept_is_no_error() -> None:
    left = connection(LeavingServer(CHAT))
    await left.serve()
    assert left.accepted is True


async def test_inactive_token_is_refused_before_accept() -> None:
    server = Server(CHAT)
    refused = connection(server, active=False)
    await refused.serve()
    assert [message["type"] for message in server.sent] == ["websocket.close"]
    assert refused.accepted is False


async def test_refusing_a_client_that_left_is_no_error() -> None:
    await refuse(Server(sends_until_left=0).websocket, "the token is not valid")
