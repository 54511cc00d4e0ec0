"""The event loop that commands run on: uvloop where it exists, as it is the more punctual."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from types import FrameType
from typing import TypeVar

from capture.errors import DeadheatError
from deadheat.exit_status import TERMINATED

T = TypeVar("T")

# How long what was told to end may take to do so.
PATIENCE_S = 5


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
        except SystemExit as ended:
            # Nothing of this command ends it so: what it runs in its loop did.
            raise DeadheatError(
                f"the application ended the process, by sys.exit({ended.code!r})"
            ) from None


async def _until_terminated(work: Coroutine[object, object, T]) -> T:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()

    def on_terminate(_number: int, _frame: FrameType | None) -> None:
        if task is not None:
            loop.call_soon_threadsafe(task.cancel)
        # An application in this process may never let go of it: then nothing else ends it.
        signal.signal(signal.SIGALRM, _give_up)
        signal.alarm(PATIENCE_S)

    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        return await work
    signal.signal(signal.SIGTERM, on_terminate)
    try:
        return await work
    finally:
        signal.alarm(0)


def _give_up(_number: int, _frame: FrameType | None) -> None:
    print(f"deadheat: terminated; what it was at went on for {PATIENCE_S} s more", file=sys.stderr)
    sys.stderr.flush()
    os._exit(TERMINATED)


def _uvloop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
