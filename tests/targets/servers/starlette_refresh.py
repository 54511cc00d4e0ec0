"""A session at a service behind, on Starlette and uvicorn. Racy: it is renewed 1.0 s after the
login but lasts 0.7 s, so that what is asked in between is refused. Healthy: renewed after 0.5
s.
"""

from __future__ import annotations

import asyncio
import json
import random

import uvicorn
from noise import greeting, latency, message, options, tick
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

LASTS_S = 0.700
OPTIONS = options()
RENEWED_AFTER_S = {"racy": 1.000, "healthy": 0.500}[OPTIONS.build]


async def renew(session: dict[str, float]) -> None:
    loop = asyncio.get_running_loop()
    while True:
        session["until"] = loop.time() + LASTS_S
        await asyncio.sleep(RENEWED_AFTER_S)


async def ask(socket: WebSocket) -> None:
    loop = asyncio.get_running_loop()
    await socket.accept()
    await socket.send_text(greeting())
    tasks = [asyncio.create_task(tick(socket.send_text))]
    session: dict[str, float] = {}
    try:
        while True:
            asked = json.loads(await socket.receive_text())
            if asked["do"] == "log in":
                tasks.append(asyncio.create_task(renew(session)))
                await latency()
                await socket.send_text(message("logged_in", user=asked["user"]))
            elif loop.time() < session.get("until", 0):
                await latency()
                for step in range(random.randint(1, 4)):
                    await socket.send_text(message("progress", step=step))
                await socket.send_text(message("report", rows=random.randint(10, 99)))
            else:
                await socket.send_text(message("refused", why="the session is over"))
    except WebSocketDisconnect:
        pass
    finally:
        for task in tasks:
            task.cancel()


app = Starlette(routes=[WebSocketRoute("/ws", ask)])
uvicorn.run(app, host="127.0.0.1", port=OPTIONS.port, log_level="warning")
