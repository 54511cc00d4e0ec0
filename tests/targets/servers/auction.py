"""An auction, on Starlette and hypercorn.

python auction.py racy|healthy PORT

When a bidder's connection has closed, the books are kept for 110 ms before the bidder is taken off
the list. A bid in that time is told to everybody on the list in turn: the racy build ends with the
one that is gone, and those after hear nothing; the healthy one goes on.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import defaultdict
from uuid import uuid4

from hypercorn.asyncio import serve
from hypercorn.config import Config
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

BOOKS_S = 0.110
IS_RACY = sys.argv[1] == "racy"


class Bidder:
    def __init__(self, socket: WebSocket) -> None:
        self.socket = socket
        self.is_gone = False

    async def tell(self, message: dict[str, object]) -> None:
        if self.is_gone:
            raise ConnectionError("this bidder is gone")
        await self.socket.send_json(message)


auctions: defaultdict[str, list[Bidder]] = defaultdict(list)


async def tell_all(auction: str, message: dict[str, object]) -> None:
    try:
        for bidder in list(auctions[auction]):
            try:
                await bidder.tell(message)
            except ConnectionError:
                if IS_RACY:
                    raise
    except ConnectionError as error:
        print("bid not told to all:", error, flush=True)


async def clock(bidder: Bidder) -> None:
    while not bidder.is_gone:
        await asyncio.sleep(random.uniform(0.04, 0.26))
        await bidder.tell({"type": "left", "s": round(random.uniform(1, 90), 2)})


async def bid(socket: WebSocket) -> None:
    await socket.accept()
    bidder, auction = Bidder(socket), ""
    ticking = asyncio.create_task(clock(bidder))
    await bidder.tell({"type": "hello", "paddle": random.randint(100, 999)})
    try:
        while True:
            message = await socket.receive_json()
            if message["type"] == "bid":
                told = {"type": "highest", "amount": message["amount"], "id": uuid4().hex}
                await tell_all(auction, told)
                continue
            auction = uuid4().hex if message["type"] == "open" else message["auction"]
            auctions[auction].append(bidder)
            await bidder.tell({"type": "entered", "auction": auction})
    except WebSocketDisconnect:
        pass
    finally:
        bidder.is_gone = True
        ticking.cancel()
    if auction:
        await asyncio.sleep(BOOKS_S)
        auctions[auction].remove(bidder)


config = Config()
config.bind = [f"127.0.0.1:{sys.argv[2]}"]
config.loglevel = "ERROR"
asyncio.run(serve(Starlette(routes=[WebSocketRoute("/auction", bid)]), config))
