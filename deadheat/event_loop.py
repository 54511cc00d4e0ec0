"""The event loop that commands run on: uvloop where it exists, as it is the more punctual."""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


class Terminated(KeyboardInterrupt):
    """Interrupted by SIGTERM."""


def terminate_in_order() -> None:
    """Let SIGTERM interrupt this process as SIGINT does, wherever it is."""

    def on_terminate(_number: int, _frame: FrameType | None) -> None:
        raise Terminated

    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, on_terminate)


def run(
    work: Coroutine[object, object, T],
    new_loop: Callable[[], asyncio.AbstractEventLoop] | None = None,
) -> T:
    """Carry work out and return its result; where there is no uvloop, on asyncio's own loop.

    SIGTERM ends it as SIGINT does: cancelled, so that it leaves things in order.
    """
    with asyncio.Runner(loop_factory=new_loop or _uvloop()) as runner:
        try:
            return runner.run(_until_terminated(work))
        except asyncio.CancelledError:
            raise Terminated from None


async def _until_terminated(work: Coroutine[object, object, T]) -> T:
    task = asyncio.current_task()
    if task is not None and sys.platform != "win32":
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await work


def _uvloop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
