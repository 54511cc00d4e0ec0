"""The event loop that commands run on: uvloop where it exists, as it is the more punctual."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable, Coroutine
from functools import partial
from types import FrameType
from typing import TypeVar

from capture.errors import DeadheatError
from deadheat.exit_status import INTERRUPTED, TERMINATED

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
    on_interrupt = signal.getsignal(signal.SIGINT)

    def on_signal(number: int, frame: FrameType | None) -> None:
        # An application in this process may never let go of it: then nothing else ends it.
        is_interrupt = number == signal.SIGINT
        signal.signal(signal.SIGALRM, partial(_give_up, is_interrupt))
        signal.alarm(PATIENCE_S)
        if is_interrupt and callable(on_interrupt):
            on_interrupt(number, frame)
        elif task is not None:
            loop.call_soon_threadsafe(task.cancel)

    if threading.current_thread() is not threading.main_thread() or sys.platform == "win32":
        return await work
    signal.signal(signal.SIGTERM, on_signal)
    if callable(on_interrupt):
        signal.signal(signal.SIGINT, on_signal)
    try:
        return await work
    finally:
        signal.alarm(0)
        if callable(on_interrupt):
            signal.signal(signal.SIGINT, on_interrupt)


def _give_up(is_interrupt: bool, _number: int, _frame: FrameType | None) -> None:
    said = "interrupted" if is_interrupt else "terminated"
    print(f"deadheat: {said}; what it was at went on for {PATIENCE_S} s more", file=sys.stderr)
    sys.stderr.flush()
    os._exit(INTERRUPTED if is_interrupt else TERMINATED)


def _uvloop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
