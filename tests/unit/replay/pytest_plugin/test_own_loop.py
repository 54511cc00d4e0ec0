"""Real threads and loops, no socket: results, exceptions and cancellation find their way."""

import asyncio
import threading

import pytest

from replay.engine.virtual.loop import VirtualLoop
from replay.pytest_plugin.own_loop import beside_this_loop, in_own_loop


async def where() -> int:
    await asyncio.sleep(0)
    return threading.get_ident()


async def breaks() -> None:
    raise LookupError("inside")


def test_the_work_is_done_in_another_thread() -> None:
    assert in_own_loop(where()) != threading.get_ident()


def test_the_loop_may_be_another() -> None:
    async def its_loop() -> asyncio.AbstractEventLoop:
        await asyncio.sleep(3600)
        return asyncio.get_running_loop()

    assert isinstance(in_own_loop(its_loop(), VirtualLoop), VirtualLoop)


def test_what_it_raises_is_raised() -> None:
    with pytest.raises(LookupError, match="inside"):
        in_own_loop(breaks())


async def test_the_loop_of_the_caller_goes_on_meanwhile() -> None:
    here = asyncio.get_running_loop()
    answered = asyncio.Event()

    async def asks() -> bool:
        here.call_soon_threadsafe(answered.set)
        done = asyncio.run_coroutine_threadsafe(answered.wait(), here)
        return await asyncio.wrap_future(done)

    assert await asyncio.wait_for(beside_this_loop(asks()), 10)


async def test_what_it_raises_is_raised_in_a_loop_too() -> None:
    with pytest.raises(LookupError, match="inside"):
        await beside_this_loop(breaks())


async def test_who_stops_waiting_cancels_the_work_and_its_thread_ends() -> None:
    begun, ended = threading.Event(), []

    async def waits() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    waiting = asyncio.create_task(beside_this_loop(waits()))
    assert await asyncio.to_thread(begun.wait, 10)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert ended == ["cancelled"]
    assert "deadheat replay" not in {thread.name for thread in threading.enumerate()}
