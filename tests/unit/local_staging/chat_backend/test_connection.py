"""One connection against a server that behaves as uvicorn does when a client leaves."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest

from local_staging.chat_backend.builds import Incident
from local_staging.chat_backend.connection import refuse
from tests.unit.local_staging.chat_backend.connections import connection_of, session_of
from tests.unit.local_staging.chat_backend.server import CHAT, Server


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


async def test_first_message_is_read_after_the_handshake() -> None:
    server = Server(CHAT, leaves_after="agent_completed")
    await connection_of(server, session_of("alice")).serve()
    assert server.sent[0]["type"] == "websocket.accept"
    assert server.texts[0] == "connection_ready"
    assert server.texts[-1] == "agent_completed"


async def test_event_that_is_set_too_early_makes_it_read_before_accept() -> None:
    session = session_of("alice")
    session.handshake_complete.set()
    server = Server(CHAT)
    raced = connection_of(server, session, Incident())
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
    left = connection_of(Server(CHAT, sends_until_left=sends_until_left), session_of("alice"))
    await left.serve()
    assert left.accepted is accepted
    assert "client left" in caplog.text
    assert {record.levelname for record in caplog.records} == {"INFO"}


async def test_client_that_leaves_at_the_moment_of_accept_is_no_error() -> None:
    left = connection_of(LeavingServer(CHAT), session_of("alice"))
    await left.serve()
    assert left.accepted is True


async def test_inactive_token_is_refused_before_accept() -> None:
    server = Server(CHAT)
    refused = connection_of(server, session_of("alice"), is_active=False)
    await refused.serve()
    assert [message["type"] for message in server.sent] == ["websocket.close"]
    assert refused.accepted is False


async def test_refusing_a_client_that_left_is_no_error() -> None:
    await refuse(Server(sends_until_left=0).websocket, "the token is not valid")
