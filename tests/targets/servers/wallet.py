"""A wallet that a family shares, on Starlette and uvicorn.

python wallet.py racy|healthy PORT

A payment reads the balance, asks the bank, which takes 60 ms, and writes the new balance. The racy
build lets two payments of one wallet do so at the same time, and one of them is lost; the healthy
one takes them in turns.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import defaultdict
from uuid import uuid4

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

BANK_S = 0.060
IS_RACY = sys.argv[1] == "racy"
balances: dict[str, int] = {}
turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)


async def pay_in(wallet: str, cents: int) -> None:
    balance = balances[wallet]
    await asyncio.sleep(BANK_S)
    balances[wallet] = balance + cents


async def handle(message: dict[str, object]) -> dict[str, object]:
    if message["type"] == "create":
        wallet = uuid4().hex
        balances[wallet] = 1000
        return {"type": "created", "wallet": wallet}
    wallet = str(message["wallet"])
    if message["type"] == "pay_in":
        if IS_RACY:
            await pay_in(wallet, int(str(message["cents"])))
        else:
            async with turns[wallet]:
                await pay_in(wallet, int(str(message["cents"])))
        return {"type": "paid", "receipt": random.getrandbits(63)}
    return {"type": "balance", "cents": balances[wallet]}


async def rates(socket: WebSocket) -> None:
    while True:
        await asyncio.sleep(random.expovariate(1 / 0.08))
        rate = {"type": "rate", "pair": random.choice(("EURUSD", "EURCHF"))}
        await socket.send_json(rate | {"rate": random.uniform(0.9, 1.1)})


async def serve(socket: WebSocket) -> None:
    await socket.accept()
    await socket.send_json({"type": "ready", "node": random.choice("abcd")})
    ticking = asyncio.create_task(rates(socket))
    try:
        while True:
            await socket.send_json(await handle(await socket.receive_json()))
    except (WebSocketDisconnect, RuntimeError):
        pass
    finally:
        ticking.cancel()


app = Starlette(routes=[WebSocketRoute("/wallet", serve)])
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="warning")
