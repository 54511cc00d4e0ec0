import pytest
from starlette.websockets import WebSocketDisconnect

from local_staging.chat_backend.unguarded_socket import UnguardedSocket
from tests.unit.local_staging.chat_backend.server import HELLO, Server

ACCEPT_FIRST = 'Need to call "accept" first'


async def test_it_reads_before_accept_and_is_told_so_by_starlette() -> None:
    with pytest.raises(RuntimeError, match=ACCEPT_FIRST):
        await UnguardedSocket(Server(HELLO).websocket).receive_text()


async def test_after_a_send_that_failed_the_same_message_misleads() -> None:
    socket = UnguardedSocket(Server(HELLO, sends_until_left=1).websocket)
    await socket.accept()
    with pytest.raises(WebSocketDisconnect):
        await socket.send_json({"type": "late"})
    with pytest.raises(RuntimeError, match=ACCEPT_FIRST):
        await socket.receive_text()


async def test_a_client_that_left_before_the_accept() -> None:
    with pytest.raises(WebSocketDisconnect):
        await UnguardedSocket(Server(sends_until_left=0).websocket).accept()
