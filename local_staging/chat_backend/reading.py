"""How the messages of a client are read, and when the next one is.

While an application does not read, uvicorn stops reading from the socket after one message, and so
does not see the pongs of a healthy client either: it closes it with 1011 once its ping has timed
out. (uvicorn 0.54.0, `send_receive_event_to_app` of both its sans-I/O implementations.)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

MOST_UNREAD = 100

Receive = Callable[[], Awaitable[str]]
Handle = Callable[[str], Awaitable[None]]
IsUrgent = Callable[[str], bool]
Begin = Callable[[Coroutine[Any, Any, None]], "asyncio.Task[None]"]

_log = logging.getLogger(__name__)


class TooManyUnread(Exception):
    """The client says more than can be answered."""


async def one_after_another(receive: Receive, handle: Handle) -> None:
    """Read a message once the one before has been answered, as it was in the incident.

    An answer that fails is logged and the next message read, whatever the failure was.
    """
    while True:
        text = await receive()
        try:
            await handle(text)
        except Exception as error:
            _log.warning("a message could not be answered: %s: %s", type(error).__name__, error)


async def side_by_side(receive: Receive, handle: Handle, begin: Begin, is_urgent: IsUrgent) -> None:
    """Read all the time, and answer in the order in which it came, but for what is urgent.

    What was read is answered though the client left meanwhile: `begin` starts work that outlives
    the connection. Raises WebSocketDisconnect when the client left, TooManyUnread.
    """
    unread: asyncio.Queue[str | None] = asyncio.Queue()

    async def answer() -> None:
        while (text := await unread.get()) is not None:
            await handle(text)

    answering = begin(answer())
    reading = asyncio.create_task(_read(receive, unread, handle, is_urgent))
    try:
        # Whichever fails first says how it ended.
        done, _ = await asyncio.wait({answering, reading}, return_when=asyncio.FIRST_EXCEPTION)
        for task in sorted(done, key=lambda task: task is reading):
            task.result()
    finally:
        # First, and not after a wait that can be cancelled: or the answering would never end.
        unread.put_nowait(None)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


async def _read(
    receive: Receive, unread: asyncio.Queue[str | None], handle: Handle, is_urgent: IsUrgent
) -> None:
    while True:
        text = await receive()
        if is_urgent(text):
            await handle(text)
            continue
        if unread.qsize() >= MOST_UNREAD:
            raise TooManyUnread(f"{MOST_UNREAD} messages wait to be answered")
        unread.put_nowait(text)
