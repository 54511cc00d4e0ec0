"""Prices by subscription, on Quart and hypercorn.

python ticker.py racy|healthy PORT

Each subscribed pair is asked for every 300 ms, which takes 120 ms, and pushed. Who unsubscribes in
those 120 ms: the racy build counts the push on a subscription that is no more, and the connection
breaks; the healthy one looks first.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from uuid import uuid4

from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, websocket

EVERY_S, ASK_S = 0.300, 0.120
IS_RACY = sys.argv[1] == "racy"
app = Quart("ticker")


async def say(message: dict[str, object]) -> None:
    await websocket.send(json.dumps(message))


async def price_of(pair: str) -> float:
    await asyncio.sleep(ASK_S)
    return round(random.uniform(0.8, 1.3), 5)


async def push(pair: str, pushed: dict[str, int]) -> None:
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while pair in pushed:
        due_s += EVERY_S
        await asyncio.sleep(due_s - loop.time())
        if pair not in pushed:
            break
        price = await price_of(pair)
        if not IS_RACY and pair not in pushed:
            break
        pushed[pair] += 1
        await say({"type": "price", "pair": pair, "price": price, "id": uuid4().hex})


async def news() -> None:
    while True:
        await asyncio.sleep(random.uniform(0.05, 0.35))
        await say({"type": "news", "text": random.choice(("up", "down", "steady"))})


async def listen(group: asyncio.TaskGroup) -> None:
    pushed: dict[str, int] = {}
    while True:
        message = json.loads(await websocket.receive())
        if message["type"] == "subscribe":
            pushed[message["pair"]] = 0
            group.create_task(push(message["pair"], pushed))
            await say({"type": "subscribed", "pair": message["pair"], "lag": random.random()})
        else:
            pushed.pop(message["pair"], None)
            await say({"type": "unsubscribed", "pair": message["pair"]})


@app.websocket("/ticker")
async def ticker() -> None:
    await say({"type": "connected", "session": uuid4().hex})
    async with asyncio.TaskGroup() as group:
        group.create_task(news())
        await listen(group)


config = Config()
config.bind = [f"127.0.0.1:{sys.argv[2]}"]
config.websocket_ping_interval = 0.45
config.loglevel = "ERROR"
asyncio.run(serve(app, config))
