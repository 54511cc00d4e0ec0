"""The plan's section 1.1: nothing is done on a connection before it is accepted."""

from __future__ import annotations

import asyncio
import random
import threading
from concurrent.futures import Future
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect, WebSocketState

from local_staging.chat_backend.builds import Build
from local_staging.chat_backend.connection_state import ConnectionState
from local_staging.chat_backend.guarded_socket import AcceptTimeout, GuardedSocket, NotAccepted
from replay.engine.virtual.loop import VirtualLoop
from tests.unit.local_staging.chat_backend.connections import connection_of, session_of
from tests.unit.local_staging.chat_backend.server import CHAT, HELLO, Server


@pytest.mark.guards(1, 'Need to call "accept" first')
async def test_accept_call_timing_validation(build: Build) -> None:
    server = Server(HELLO)
    socket = build.socket(server.websocket)
    with pytest.raises(NotAccepted, match="receive before accept"):
        await socket.receive_text()
    with pytest.raises(NotAccepted, match="send before accept"):
        await socket.send_json({"type": "connection_ready"})
    assert server.sent == []
    await socket.accept()
    await socket.send_json({"type": "connection_ready"})
    assert server.texts == ["connection_ready"]


class UnevenServer(Server):
    """A server over a network on which everything takes a time of its own, drawn from a seed.

    `moments` has, for what the client's end is said to be and what the network has just done.
    """

    def __init__(self, chance: random.Random, build: Build) -> None:
        super().__init__(CHAT, leaves_after="agent_completed")
        self.moments: list[tuple[ConnectionState, str]] = []
        self.end = build.socket(self.websocket)
        self._chance = chance

    async def _receive(self) -> dict[str, Any]:
        await self._takes_a_while()
        message = await super()._receive()
        self._note(message["type"])
        return message

    async def _send(self, message: Any) -> None:  # noqa: ANN401 - ASGI leaves it open
        await self._takes_a_while()
        await super()._send(message)
        self._note(message["type"])

    async def _takes_a_while(self) -> None:
        await asyncio.sleep(self._chance.choice((0, 0, self._chance.uniform(0, 0.4))))

    def _note(self, what: str) -> None:
        if isinstance(self.end, GuardedSocket):
            self.moments.append((self.end.states.state, what))


@pytest.mark.guards(1, 'Need to call "accept" first')
@pytest.mark.parametrize("seed", range(20))
def test_connection_state_transition_timing(build: Build, seed: int) -> None:
    """The states are those of the network, and come in their order, whatever takes how long."""
    chance = random.Random(seed)

    async def come_and_come_back() -> None:
        session = session_of("alice")
        visits = [UnevenServer(chance, build) for _ in range(2)]
        for server in visits:
            await connection_of(server, session, build, socket=server.end).serve()
            assert server.texts[-1] == "agent_completed"
        for server in visits:
            assert isinstance(server.end, GuardedSocket)
            assert [each.state for each in server.end.states.passed] == list(ConnectionState)
            # Accepted when the network has accepted, ready when the client was heard; not before.
            first = {what: state for state, what in reversed(server.moments)}
            assert first["websocket.accept"] is ConnectionState.ACCEPTING
            assert first["websocket.receive"] is ConnectionState.ACCEPTED
            assert first["websocket.disconnect"] is ConnectionState.READY

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(come_and_come_back())


@pytest.mark.guards(1, "sent before the accept was done")
async def test_accept_with_concurrent_operations(build: Build) -> None:
    """Threads send while the accept is under way: all of it waits, and all of it goes out."""
    gate = asyncio.Event()
    server = Server(HELLO, accepts_after=gate)
    socket = build.socket(server.websocket)
    loop = asyncio.get_running_loop()
    accepting = asyncio.create_task(socket.accept())
    await server.asked_to_accept.wait()
    futures: list[Future[Any]] = []

    def send(number: int) -> None:
        sent = asyncio.run_coroutine_threadsafe(socket.send_json({"type": f"{number}"}), loop)
        futures.append(sent)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    await asyncio.to_thread(lambda: [thread.join(10) for thread in threads])
    await asyncio.sleep(0.01)
    too_early = server.texts
    gate.set()
    await accepting
    assert too_early == [], "sent before the accept was done"
    await asyncio.gather(*(asyncio.wrap_future(sent) for sent in futures))
    assert server.sent[0]["type"] == "websocket.accept"
    assert sorted(server.texts) == [str(number) for number in range(10)]


@pytest.mark.guards(1, "read before the network had done the handshake")
async def test_gcp_network_handshake_simulation(build: Build) -> None:
    """Starlette says CONNECTED at once; what is read waits for the network."""
    gate = asyncio.Event()
    server = Server(HELLO, accepts_after=gate)
    socket = build.socket(server.websocket)
    accepting = asyncio.create_task(socket.accept())
    await server.asked_to_accept.wait()
    assert server.websocket.application_state is WebSocketState.CONNECTED
    received = asyncio.create_task(socket.receive_text())
    await asyncio.sleep(0.01)
    was_read = received.done()
    gate.set()
    await accepting
    assert await received == "hello"
    assert not was_read, "read before the network had done the handshake"


@pytest.mark.guards(1, "the accept is waited for without end")
def test_accept_timeout_handling(build: Build) -> None:
    """A network that never does the handshake: the connection ends, and nothing of it is left."""

    async def accept_in_vain() -> None:
        server = Server(HELLO, accepts_after=asyncio.Event())
        socket = build.socket(server.websocket)
        accepting = asyncio.create_task(socket.accept())
        await server.asked_to_accept.wait()
        waiting = asyncio.create_task(socket.receive_text())
        await asyncio.wait({accepting}, timeout=600)
        assert accepting.done(), "the accept is waited for without end"
        with pytest.raises(AcceptTimeout, match=r"not done within 10 s"):
            await accepting
        with pytest.raises(WebSocketDisconnect):
            await waiting
        with pytest.raises(WebSocketDisconnect):
            await socket.send_json({"type": "connection_ready"})
        assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(accept_in_vain())
