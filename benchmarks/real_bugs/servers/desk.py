"""A desk that makes reports on request, and survives a report that fails (Starlette).

`app` logs any exception of a handler and goes on with the next request, as long-lived handlers do.
`careful` lets the one through that says that the client is gone.
"""

import asyncio
import logging

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

REPORT_S = 0.12
logger = logging.getLogger("uvicorn.error")


async def make_report(websocket: WebSocket, number: int) -> None:
    """Work for a while, then send what came of it."""
    await asyncio.sleep(REPORT_S)
    await websocket.send_json({"type": "report", "n": number})


async def desk(websocket: WebSocket) -> None:
    """Serve one request after the other."""
    await websocket.accept()
    try:
        while True:
            request = await websocket.receive_json()
            try:
                await make_report(websocket, request["n"])
            except Exception as problem:
                logger.warning("no report %s: %r", request["n"], problem)
    except WebSocketDisconnect:
        logger.info("client left")


async def careful_desk(websocket: WebSocket) -> None:
    """Serve one request after the other, and see when nobody is there any more."""
    await websocket.accept()
    try:
        while True:
            request = await websocket.receive_json()
            try:
                await make_report(websocket, request["n"])
            except WebSocketDisconnect:
                raise
            except Exception as problem:
                logger.warning("no report %s: %r", request["n"], problem)
    except WebSocketDisconnect:
        logger.info("client left")


app = Starlette(routes=[WebSocketRoute("/desk", desk)])
careful = Starlette(routes=[WebSocketRoute("/desk", careful_desk)])
