"""An ASGI application; what it does depends on the path. Plain ASGI, which smooths nothing over.

/echo      says back what it gets, text or bytes
/speaks    speaks first, and then on its own
/slow      accepts after 60 ms, then as /echo
/refuses   closes before it accepts
/denies    answers 401 with a body
/dismisses closes with 4003 after the first message
/fails     raises after the first message
/breaks    raises before it accepts
/forgets   returns without a word
/leaves    returns after the first message, without a Close
/issues    issues a ticket, and knows it again
/works     answers after 60 ms, whoever is still there
/chooses   chooses a subprotocol
/room      tells everybody in the room
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

Event = dict[str, Any]
Receive = Callable[[], Awaitable[Event]]
Send = Callable[[Event], Awaitable[None]]

LOG = logging.getLogger("app")
ACCEPT = {"type": "websocket.accept"}
_room: list[Send] = []


async def app(scope: Event, receive: Receive, send: Send) -> None:
    if scope["type"] != "websocket":
        return
    assert (await receive())["type"] == "websocket.connect"
    await PATHS[scope["path"]](scope, receive, send)


def text(said: str) -> Event:
    return {"type": "websocket.send", "text": said}


async def echo(scope: Event, receive: Receive, send: Send) -> None:
    await send(ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        await send({**event, "type": "websocket.send"})
    LOG.error("left with code %s", event["code"])


async def speaks(scope: Event, receive: Receive, send: Send) -> None:
    await send(ACCEPT)
    await send(text("welcome"))
    await asyncio.sleep(0.03)
    await send(text("news"))
    while (await receive())["type"] == "websocket.receive":
        await send(text("heard"))


async def slow(scope: Event, receive: Receive, send: Send) -> None:
    await asyncio.sleep(0.06)
    await echo(scope, receive, send)


async def refuses(scope: Event, receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 4001})
    LOG.error("then %s", await receive())


async def denies(scope: Event, receive: Receive, send: Send) -> None:
    headers = [(b"x-why", b"token")]
    await send({"type": "websocket.http.response.start", "status": 401, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": b"no ", "more_body": True})
    await send({"type": "websocket.http.response.body", "body": b"token"})


async def dismisses(scope: Event, receive: Receive, send: Send) -> None:
    await send(ACCEPT)
    await receive()
    await send({"type": "websocket.close", "code": 4003, "reason": "enough"})
    LOG.error("then %s", await receive())
    await send(text("too late"))


async def fails(scope: Event, receive: Receive, send: Send) -> None:
    await send(ACCEPT)
    await receive()
    raise LookupError("no such order")


async def breaks(scope: Event, receive: Receive, send: Send) -> None:
    await send(text("too early"))


async def forgets(scope: Event, receive: Receive, send: Send) -> None:
    return


async def leaves(scope: Event, receive: Receive, send: Send) -> None:
    await send(ACCEPT)
    await receive()


async def issues(scope: Event, receive: Receive, send: Send) -> None:
    ticket = uuid4().hex
    await send(ACCEPT)
    await send(text(f'{{"type": "welcome", "ticket": "{ticket}"}}'))
    while (event := await receive())["type"] == "websocket.receive":
        await send(text('{"type": "known"}' if ticket in event["text"] else '{"type": "unknown"}'))


async def works(scope: Event, receive: Receive, send: Send) -> None:
    await send(ACCEPT)
    while (event := await receive())["type"] == "websocket.receive":
        await asyncio.sleep(0.06)
        try:
            await send(text(f"done {event['text']}"))
        except OSError as error:
            LOG.error("nobody is there: %s", type(error).__name__)
            raise
    LOG.error("left with code %s", event["code"])


async def chooses(scope: Event, receive: Receive, send: Send) -> None:
    await send({**ACCEPT, "subprotocol": scope["subprotocols"][-1]})
    await receive()


async def room(scope: Event, receive: Receive, send: Send) -> None:
    await send(ACCEPT)
    _room.append(send)
    try:
        while (event := await receive())["type"] == "websocket.receive":
            for other in tuple(_room):
                await other(text(f"told {event['text']}"))
    finally:
        _room.remove(send)


PATHS = {
    f"/{each.__name__}": each
    for each in (
        *(echo, speaks, slow, refuses, denies, dismisses, fails, breaks, forgets, leaves),
        *(issues, works, chooses, room),
    )
}
