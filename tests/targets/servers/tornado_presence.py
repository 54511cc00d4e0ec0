"""Who is in a room, on Tornado. Racy: joining reads the list, waits 80 ms for a store, and writes
the list back, so that of two who join within that time one is lost. Healthy: under a lock.
"""

from __future__ import annotations

import asyncio
import contextlib
import json

import tornado.web
import tornado.websocket
from noise import greeting, latency, message, options, tick

STORE_S = 0.080
OPTIONS = options()
rooms: dict[str, frozenset[str]] = {}
lock = asyncio.Lock()


class Presence(tornado.websocket.WebSocketHandler):
    """One user in one room."""

    def get_compression_options(self) -> dict[str, int]:
        return {}

    async def open(self) -> None:
        self.room, self.user = "", ""
        await self.write_message(greeting())
        self.ticking = asyncio.create_task(tick(self.write_message))

    async def on_message(self, received: str | bytes) -> None:
        asked = json.loads(received)
        await latency()
        if asked["do"] == "join":
            self.room, self.user = asked["room"], asked["user"]
            async with lock if OPTIONS.build == "healthy" else contextlib.nullcontext():
                there = rooms.get(self.room, frozenset())
                await asyncio.sleep(STORE_S)
                rooms[self.room] = there | {self.user}
            await self.write_message(message("joined", room=self.room))
        else:
            there = rooms.get(self.room, frozenset())
            await self.write_message(message("who", am_i_there=self.user in there))

    def on_close(self) -> None:
        self.ticking.cancel()
        rooms[self.room] = rooms.get(self.room, frozenset()) - {self.user}


async def main() -> None:
    tornado.web.Application([("/ws", Presence)]).listen(OPTIONS.port, "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
