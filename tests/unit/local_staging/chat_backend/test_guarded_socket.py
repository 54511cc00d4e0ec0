import asyncio

import pytest
from starlette.websockets import WebSocketDisconnect

from local_staging.chat_backend.connection_state import ConnectionState
from tests.unit.local_staging.chat_backend.server import HELLO, Server, guarded


async def test_after_a_send_that_failed_nobody_reads_on() -> None:
    server = Server(HELLO, HELLO, sends_until_left=1)
    socket = guarded(server)
    await socket.accept()
    with pytest.raises(WebSocketDisconnect):
        await socket.send_json({"type": "late"})
    with pytest.raises(WebSocketDisconnect):
        await socket.receive_text()
    assert socket.is_closed


async def test_a_client_that_left_before_the_accept() -> None:
    socket = guarded(Server(sends_until_left=0))
    waiting = asyncio.create_task(asyncio.sleep(0))
    with pytest.raises(WebSocketDisconnect):
        await socket.accept()
    await waiting
    assert socket.states.state is ConnectionState.CLOSED


async def test_what_waits_for_an_accept_that_is_cancelled_is_told() -> None:
    server = Server(accepts_after=asyncio.Event())
    socket = guarded(server)
    accepting = asyncio.create_task(socket.accept())
    await server.asked_to_accept.wait()
    waiting = asyncio.create_task(socket.receive_text())
    await asyncio.sleep(0)
    accepting.cancel()
    with pytest.raises(WebSocketDisconnect):
        await waiting


async def test_it_is_closed_once() -> None:
    server = Server(HELLO)
    socket = guarded(server)
    await socket.accept("bearer")
    await socket.close(1008, "no")
    await socket.close(1008, "no")
    assert [message["type"] for message in server.sent] == ["websocket.accept", "websocket.close"]
    assert server.sent[0]["subprotocol"] == "bearer"
