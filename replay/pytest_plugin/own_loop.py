"""A coroutine in a thread with an event loop of its own.

A server under test may live in the loop of the test, or in another thread; a replay must hold up
neither, and a busy loop of the test must not make the replay late.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, InvalidStateError
from typing import Any, TypeVar

T = TypeVar("T")


NewLoop = Callable[[], asyncio.AbstractEventLoop]


def in_own_loop(work: Coroutine[Any, Any, T], new_loop: NewLoop | None = None) -> T:
    """Carry out the work, block until it is done, and return its result; raises what it raises.

    An exception in the waiting thread, such as KeyboardInterrupt, cancels the work first. The loop
    is asyncio's usual one, or what `new_loop` makes.
    """
    result, thread = _started(work, new_loop)
    try:
        return result.result()
    finally:
        result.cancel()
        thread.join()


async def beside_this_loop(work: Coroutine[Any, Any, T]) -> T:
    """Carry out the work while the loop of the caller goes on."""
    result, thread = _started(work)
    try:
        return await asyncio.wrap_future(result)
    finally:
        result.cancel()
        # The thread ends at once now; until the work has let go of its sockets, nothing goes on.
        await asyncio.to_thread(thread.join)


def _started(
    work: Coroutine[Any, Any, T], new_loop: NewLoop | None = None
) -> tuple[Future[T], threading.Thread]:
    result: Future[T] = Future()
    thread = threading.Thread(
        target=_carry_out, args=(work, result, new_loop), name="deadheat replay", daemon=True
    )
    thread.start()
    return result, thread


def _carry_out(work: Coroutine[Any, Any, T], result: Future[T], new_loop: NewLoop | None) -> None:
    async def supervised() -> T:
        task = asyncio.ensure_future(work)
        loop = asyncio.get_running_loop()
        result.add_done_callback(lambda done: _cancel(done, loop, task))
        return await task

    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            value = runner.run(supervised())
    except BaseException as error:  # it belongs to whoever waits for the result
        with contextlib.suppress(InvalidStateError):  # nobody waits any longer
            result.set_exception(error)
    else:
        with contextlib.suppress(InvalidStateError):
            result.set_result(value)


def _cancel(done: Future[T], loop: asyncio.AbstractEventLoop, task: asyncio.Task[T]) -> None:
    if done.cancelled() and not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)
