import asyncio
from collections.abc import Coroutine
from typing import Any

import pytest
from starlette.websockets import WebSocketDisconnect

from local_staging.chat_backend.reading import (
    MOST_UNREAD,
    TooManyUnread,
    one_after_another,
    side_by_side,
)


class Client:
    """Says so many messages and leaves."""

    def __init__(self, messages: int, leaves_after: asyncio.Event | None = None) -> None:
        self.read = 0
        self._messages = messages
        self._leaves_after = leaves_after

    async def receive(self) -> str:
        if self.read == self._messages:
            if self._leaves_after is not None:
                await self._leaves_after.wait()
            raise WebSocketDisconnect(1000)
        self.read += 1
        return str(self.read)


def never(text: str) -> bool:
    return False


async def test_one_after_another_reads_nothing_while_it_answers() -> None:
    client, answered = Client(3), asyncio.Event()
    task = asyncio.create_task(one_after_another(client.receive, lambda _: answered.wait()))  # type: ignore[arg-type, return-value]
    await asyncio.sleep(0.01)
    assert client.read == 1
    answered.set()
    with pytest.raises(WebSocketDisconnect):
        await task
    assert client.read == 3


async def test_side_by_side_reads_while_it_answers_and_keeps_the_order() -> None:
    leaves, answered = asyncio.Event(), asyncio.Event()
    client, order = Client(3, leaves), []

    async def answer(text: str) -> None:
        await answered.wait()
        order.append(text)
        if len(order) == 3:
            leaves.set()

    task = asyncio.create_task(side_by_side(client.receive, answer, asyncio.create_task, never))
    await asyncio.sleep(0.01)
    assert (client.read, order) == (3, [])
    answered.set()
    with pytest.raises(WebSocketDisconnect):
        await task
    assert order == ["1", "2", "3"]


async def test_one_after_another_goes_on_after_any_failure() -> None:
    client = Client(3)

    async def fails(text: str) -> None:
        raise WebSocketDisconnect(1006)

    with pytest.raises(WebSocketDisconnect) as left:
        await one_after_another(client.receive, fails)
    assert (client.read, left.value.code) == (3, 1000)


async def test_side_by_side_a_failure_ends_it_and_leaves_no_task() -> None:
    client = Client(3, asyncio.Event())

    async def fails(text: str) -> None:
        raise LookupError("no such tool")

    with pytest.raises(LookupError):
        await side_by_side(client.receive, fails, asyncio.create_task, never)
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_side_by_side_so_many_wait_at_most() -> None:
    client, answered = Client(MOST_UNREAD + 10), asyncio.Event()
    with pytest.raises(TooManyUnread, match=f"{MOST_UNREAD} messages wait"):
        await side_by_side(client.receive, lambda _: answered.wait(), asyncio.create_task, never)  # type: ignore[arg-type, return-value]
    answered.set()


async def test_side_by_side_what_was_said_is_answered_though_the_client_left() -> None:
    answered, order, begun = asyncio.Event(), [], []

    async def answer(text: str) -> None:
        await answered.wait()
        order.append(text)

    def begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        begun.append(asyncio.create_task(work))
        return begun[-1]

    with pytest.raises(WebSocketDisconnect):
        await side_by_side(Client(3).receive, answer, begin, never)
    assert order == []
    answered.set()
    await asyncio.gather(*begun)
    assert order == ["1", "2", "3"]


async def test_what_is_urgent_is_answered_while_the_rest_waits() -> None:
    leaves, answered, order = asyncio.Event(), asyncio.Event(), []

    async def answer(text: str) -> None:
        if text == "1":
            await answered.wait()
        order.append(text)

    reading = side_by_side(Client(3, leaves).receive, answer, asyncio.create_task, "2".__eq__)
    task = asyncio.create_task(reading)
    await asyncio.sleep(0.01)
    assert order == ["2"]
    answered.set()
    leaves.set()
    with pytest.raises(WebSocketDisconnect):
        await task
    assert order == ["2", "1", "3"]


@pytest.mark.parametrize("after_steps", range(8))
async def test_answering_ends_whenever_the_connection_is_cancelled(after_steps: int) -> None:
    begun: list[asyncio.Task[None]] = []

    def begin(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        begun.append(asyncio.create_task(work))
        return begun[-1]

    async def answer(text: str) -> None:
        """Answer at once."""

    leaves = asyncio.Event()
    reading = side_by_side(Client(1, leaves).receive, answer, begin, never)
    task = asyncio.create_task(reading)
    await asyncio.sleep(0.01)
    leaves.set()
    for _ in range(after_steps):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.wait_for(asyncio.gather(*begun), 5)
