import asyncio

import pytest

from local_staging.chat_backend.bidirectional import BidirectionalHandshake


@pytest.mark.parametrize(("first", "second"), [("sent", "heard"), ("heard", "sent")])
async def test_one_direction_is_not_enough(first: str, second: str) -> None:
    handshake = BidirectionalHandshake()
    waiting = asyncio.create_task(handshake.complete())
    getattr(handshake, first)()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not waiting.done()
    getattr(handshake, second)()
    await waiting
