import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.services import Services
from replay.engine.virtual.services.asgi_in_memory import AsgiInMemory
from replay.errors import ReplayError

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


def counting() -> Callable[[Any, Receive, Send], Awaitable[None]]:
    asked = 0

    async def app(scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401
        nonlocal asked
        if scope["type"] != "http":
            return
        asked += 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": f"{asked}".encode()})

    return app


async def fails(scope: Any, receive: Receive, send: Send) -> None:  # noqa: ANN401
    if scope["type"] == "lifespan":
        await receive()
        await send({"type": "lifespan.startup.failed"})


def got(fake: AsgiInMemory, times: int) -> list[str]:
    services = Services({("prices.internal", 80): fake})

    async def main() -> list[str]:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.services = services
        async with services.serving(), httpx.AsyncClient() as client:
            return [(await client.get("http://prices.internal/")).text for _ in range(times)]

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(main())


def test_it_answers_and_is_made_anew_for_each_run() -> None:
    fake = AsgiInMemory("prices:counting", counting)
    assert [got(fake, 2), got(fake, 1)] == [["1", "2"], ["1"]]


def test_one_that_does_not_start_is_told() -> None:
    with pytest.raises(ReplayError, match="the fake prices:fails did not start"):
        got(AsgiInMemory("prices:fails", lambda: fails), 1)
