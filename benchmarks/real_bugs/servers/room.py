"""A chat room that looks up whether its visitor is a member before it accepts (Starlette).

A visitor who leaves is nothing to complain of, whether it shows in reading or in answering; the old
stack says by an exception of the `websockets` library what newer ones say by Starlette's own.
"""

import asyncio
import logging

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.exceptions import ConnectionClosed

logger = logging.getLogger("uvicorn.error")
MEMBERS = {"ada", "bob"}
LOOK_UP_S = 0.15


async def is_member(name: str | None) -> bool:
    """Ask the members' service, which takes a while."""
    await asyncio.sleep(LOOK_UP_S)
    return name in MEMBERS


async def room(websocket: WebSocket) -> None:
    """Let members in, and acknowledge what they say."""
    if not await is_member(websocket.query_params.get("name")):
        await websocket.close(4403)
        return
    try:
        await websocket.accept()
        async for message in websocket.iter_json():
            await websocket.send_json({"type": "said", "n": message["n"]})
    except (WebSocketDisconnect, ConnectionClosed):
        logger.info("visitor left")


app = Starlette(routes=[WebSocketRoute("/room", room)])
