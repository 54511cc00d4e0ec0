"""What an application receives comes in order, and none is lost when it stops waiting."""

from __future__ import annotations

import asyncio

from replay.engine.virtual.event_queue import EventQueue
from replay.engine.virtual.loop import VirtualLoop


async def test_events_come_in_order_before_and_after_somebody_waits() -> None:
    queue = EventQueue(asyncio.get_running_loop())
    queue.put({"n": 1})
    queue.put({"n": 2})
    assert len(queue) == 2
    assert [await queue.get(), await queue.get()] == [{"n": 1}, {"n": 2}]
    waiting = asyncio.create_task(queue.get())
    await asyncio.sleep(0)
    queue.put({"n": 3})
    assert await waiting == {"n": 3}


async def test_who_waited_first_gets_the_first() -> None:
    queue = EventQueue(asyncio.get_running_loop())
    waiting = [asyncio.create_task(queue.get()) for _ in range(2)]
    await asyncio.sleep(0)
    queue.put({"n": 1})
    queue.put({"n": 2})
    assert await asyncio.gather(*waiting) == [{"n": 1}, {"n": 2}]


async def test_an_event_is_not_lost_with_who_is_cancelled() -> None:
    queue = EventQueue(asyncio.get_running_loop())
    first, second = (asyncio.create_task(queue.get()) for _ in range(2))
    await asyncio.sleep(0)
    queue.put({"n": 1})
    # It is woken, and cancelled before it can take the event.
    first.cancel()
    assert await asyncio.wait_for(second, 1) == {"n": 1}
    assert first.cancelled() or first.cancelling()


def test_a_wait_may_be_given_up() -> None:
    async def main() -> dict[str, int]:
        queue = EventQueue(asyncio.get_running_loop())
        try:
            async with asyncio.timeout(1):
                await queue.get()
        except TimeoutError:
            queue.put({"n": 1})
        return await queue.get()

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        assert runner.run(main()) == {"n": 1}
