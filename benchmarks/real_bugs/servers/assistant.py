"""An assistant that streams its progress, and answers its client's heartbeat (Starlette)."""

import asyncio
import logging

from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

logger = logging.getLogger("uvicorn.error")
STEPS = 16
STEP_S = 0.1


async def work(websocket: WebSocket, question: str) -> None:
    """Tell every step of the work, then the answer."""
    for step in range(STEPS):
        await asyncio.sleep(STEP_S)
        await websocket.send_json({"type": "progress", "step": step})
    await websocket.send_json({"type": "answer", "to": question})


async def chat(websocket: WebSocket) -> None:
    """Take one message after the other, as the tutorials do."""
    try:
        await websocket.accept()
        async for message in websocket.iter_json():
            if message["type"] == "ping":
                await websocket.send_json({"type": "pong"})
            else:
                await work(websocket, message["text"])
    except WebSocketDisconnect:
        logger.info("client left")


app = Starlette(routes=[WebSocketRoute("/chat", chat)])
