"""The plan's section 1.3: nothing is done before both directions were seen to work."""

from __future__ import annotations

import asyncio

import pytest

from local_staging.chat_backend.bidirectional import BidirectionalHandshake, HandshakeTimeout


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
