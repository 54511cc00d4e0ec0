"""The plan's section 1.1: nothing is done on a connection before it is accepted."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
from concurrent.futures import Future
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect, WebSocketState

from local_staging.chat_backend.builds import Build
from local_staging.chat_backend.connection_state import (
    NEXT,
    ConnectionState,
    ConnectionStateMachine,
    IllegalTransition,
)
from local_staging.chat_backend.guarded_socket import AcceptTimeout, NotAccepted
from tests.unit.local_staging.chat_backend.server import HELLO, Server, guarded

IN_ORDER = [
    ConnectionState.ACCEPTING,
    ConnectionState.ACCEPTED,
    ConnectionState.READY,
    ConnectionState.CLOSED,
]


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


@pytest.mark.parametrize("seed", range(20))
def test_connection_state_transition_timing(seed: int) -> None:
    """Threads that all try to move it, in any order: the states passed are always legal."""
    chance = random.Random(seed)
    ticks = iter(range(1_000_000))
    machine = ConnectionStateMachine(lambda: next(ticks))
    wishes = [state for state in IN_ORDER for _ in range(8)]
    chance.shuffle(wishes)
    begin = threading.Barrier(4)

    def moves(mine: list[ConnectionState]) -> None:
        begin.wait(10)
        for state in mine:
            try:
                machine.move_to(state)
            except IllegalTransition:
                continue

    threads = [threading.Thread(target=moves, args=(wishes[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    passed = [each.state for each in machine.passed]
    assert passed[0] is ConnectionState.CONNECTING
    assert all(now in NEXT[before] for before, now in itertools.pairwise(passed))
    times = [each.at_ns for each in machine.passed]
    assert times == sorted(times)


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


async def test_accept_timeout_handling() -> None:
    server = Server(HELLO, accepts_after=asyncio.Event())
    socket = guarded(server, accept_timeout_s=0.02)
    accepting = asyncio.create_task(socket.accept())
    await server.asked_to_accept.wait()
    waiting = asyncio.create_task(socket.receive_text())
    with pytest.raises(AcceptTimeout, match=r"not done within 0\.02 s"):
        await accepting
    with pytest.raises(WebSocketDisconnect):
        await waiting
    assert socket.is_closed
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
