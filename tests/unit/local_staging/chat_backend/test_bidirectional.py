import asyncio

import pytest

from local_staging.chat_backend.bidirectional import BidirectionalHandshake, HandshakeTimeout


async def test_each_direction_can_be_waited_for() -> None:
    handshake = BidirectionalHandshake()
    waiting = asyncio.gather(handshake.can_send(), handshake.can_receive())
    handshake.sent()
    handshake.heard()
    await waiting
    assert handshake.is_complete


async def test_what_is_done_then_gives_its_result() -> None:
    handshake = BidirectionalHandshake()
    handshake.sent()
    handshake.heard()

    async def seven() -> int:
        return 7

    assert await handshake.then(seven) == 7


async def test_nobody_spoke_in_time() -> None:
    with pytest.raises(HandshakeTimeout, match=r"after 0\.01 s: cannot send yet"):
        await BidirectionalHandshake().complete(0.01)
