"""Answers that are streamed, on Quart and Hypercorn. Racy: who leaves within the 200 ms of an
answer leaves the user's place taken, for 0.6 s, and is told so when coming back. Healthy: it is
given back.
"""

from __future__ import annotations

import asyncio
import json
import random

from hypercorn.asyncio import serve
from hypercorn.config import Config
from noise import greeting, latency, message, options, tick
from quart import Quart, websocket

ANSWER_S, LONGEST_S = 0.200, 0.600
OPTIONS = options()
app = Quart(__name__)
taken: dict[str, float] = {}


async def answer(user: str) -> None:
    pieces = random.randint(4, 8)
    for number in range(pieces):
        await websocket.send(message("piece", n=number, of=pieces))
        await asyncio.sleep(ANSWER_S / pieces)
    await websocket.send(message("answered", user=user))


@app.websocket("/ws")
async def chat() -> None:
    await websocket.send(greeting())
    ticking = asyncio.create_task(tick(websocket.send))
    try:
        while True:
            asked = json.loads(await websocket.receive())
            user = asked["user"]
            await latency()
            now_s = asyncio.get_running_loop().time()
            if taken.get(user, 0) > now_s:
                await websocket.send(message("busy", user=user))
                continue
            taken[user] = now_s + LONGEST_S
            if OPTIONS.build == "racy":
                await answer(user)
                taken.pop(user, None)
                continue
            try:
                await answer(user)
            finally:
                taken.pop(user, None)
    finally:
        ticking.cancel()


config = Config()
config.bind = [f"127.0.0.1:{OPTIONS.port}"]
config.loglevel = "WARNING"
asyncio.run(serve(app, config))
