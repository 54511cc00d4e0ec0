"""How the messages of a client are read, and when the next one is.

While an application does not read, uvicorn stops reading from the socket after one message, and so
does not see the pongs of a healthy client either: it closes it with 1011 once its ping has timed
out. (uvicorn 0.54.0, `send_receive_event_to_app` of both its sans-I/O implementations.)
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

MOST_UNREAD = 100

Receive = Callable[[], Awaitable[str]]
Handle = Callable[[str], Awaitable[None]]

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


async def side_by_side(receive: Receive, handle: Handle) -> None:
    """Read all the time, and answer in the order in which it came.

    Raises WebSocketDisconnect when the client left, TooManyUnread.
    """
    unread: asyncio.Queue[str] = asyncio.Queue(MOST_UNREAD)

    async def answer() -> None:
        while True:
            await handle(await unread.get())

    answering = asyncio.create_task(answer())
    reading = asyncio.create_task(_read(receive, unread))
    try:
        # Whichever fails first says how it ended.
        done, _ = await asyncio.wait({answering, reading}, return_when=asyncio.FIRST_EXCEPTION)
        for task in sorted(done, key=lambda task: task is reading):
            task.result()
    finally:
        for task in (answering, reading):
            task.cancel()
        await asyncio.gather(answering, reading, return_exceptions=True)


async def _read(receive: Receive, unread: asyncio.Queue[str]) -> None:
    while True:
        text = await receive()
        try:
            unread.put_nowait(text)
        except asyncio.QueueFull:
            raise TooManyUnread(f"{MOST_UNREAD} messages wait to be answered") from None
