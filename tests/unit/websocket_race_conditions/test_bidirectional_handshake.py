"""The plan's section 1.3: nothing is done before both directions were seen to work."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from local_staging.chat_backend.bidirectional import BidirectionalHandshake, HandshakeTimeout
from local_staging.chat_backend.builds import Build
from tests.unit.local_staging.chat_backend.connections import connection_of, session_of
from tests.unit.local_staging.chat_backend.server import Server


async def test_send_capability_validation() -> None:
    handshake = BidirectionalHandshake()
    handshake.heard()
    sending = asyncio.create_task(handshake.can_send())
    with pytest.raises(HandshakeTimeout, match="cannot send yet"):
        await handshake.complete(0.01)
    assert not sending.done()
    handshake.sent()
    await sending
    assert handshake.is_complete


async def test_receive_capability_validation() -> None:
    handshake = BidirectionalHandshake()
    handshake.sent()
    handled: list[str] = []

    async def handle() -> None:
        handled.append("a message")

    queued = asyncio.create_task(handshake.then(handle))
    with pytest.raises(HandshakeTimeout, match="cannot receive yet"):
        await handshake.complete(0.01)
    assert handled == []
    handshake.heard()
    await queued
    assert handled == ["a message"]


@pytest.mark.parametrize("first", ["sent", "heard"])
async def test_full_bidirectional_handshake(first: str) -> None:
    handshake = BidirectionalHandshake()
    done: list[int] = []

    async def operation(number: int) -> None:
        done.append(number)

    for number in range(3):
        task = asyncio.create_task(handshake.then(lambda number=number: operation(number)))  # type: ignore[misc]
        task.add_done_callback(lambda task: task.result())
    getattr(handshake, first)()
    await asyncio.sleep(0.01)
    assert (done, handshake.is_complete) == ([], False)
    handshake.sent()
    handshake.heard()
    await handshake.complete(1.0)
    await asyncio.sleep(0)
    assert sorted(done) == [0, 1, 2]


@pytest.mark.guards(5, "Failed to send connection response")
async def test_an_event_is_kept_when_the_connection_response_fails(
    build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    """The client is accepted and leaves: what waited for it waits on."""
    session = session_of("alice")
    session.undelivered.add({"type": "agent_completed"})
    # How the connection ends is another matter: what counts is what becomes of the event.
    with contextlib.suppress(ExceptionGroup):
        await connection_of(Server(sends_until_left=1), session, build).serve()
    assert len(session.undelivered) == 1, caplog.text
