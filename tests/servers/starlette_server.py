"""A Starlette application on uvicorn that wants a JWT; with the key in KEY. Prints its port.

It answers each message with its subject and what it got, and complains of `boom` in its log.
"""

from __future__ import annotations

import json
import os
import socket
import sys

import jwt
import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect


async def chat(websocket: WebSocket) -> None:
    try:
        claims = jwt.decode(websocket.query_params["token"], os.environ["KEY"], ["HS256"])
    except (KeyError, jwt.PyJWTError):
        await websocket.close(4401)
        return
    await websocket.accept()
    try:
        while True:
            text = await websocket.receive_text()
            if text == "boom":
                print("TypeError: boom is no message", file=sys.stderr, flush=True)
            await websocket.send_json({"type": "said", "by": claims["sub"], "text": text})
    except WebSocketDisconnect:
        pass


listening = socket.socket()
listening.bind(("127.0.0.1", 0))
print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
app = Starlette(routes=[WebSocketRoute("/chat", chat)])
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
