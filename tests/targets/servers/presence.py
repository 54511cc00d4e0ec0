"""Who is there, on Tornado: users come, go and come back.

python presence.py racy|healthy PORT

When a connection has closed, its visit is written down, which takes 150 ms, and then the user is
taken off the list. The racy build takes off whoever has that name by now, the healthy one only the
connection that closed.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from uuid import uuid4

import tornado.web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

WRITE_S = 0.150
IS_RACY = sys.argv[1] == "racy"
online: dict[str, Presence] = {}
background: set[asyncio.Task[None]] = set()


class Presence(WebSocketHandler):
    user = ""

    def get_compression_options(self) -> dict[str, object]:
        return {}

    async def open(self, *args: str, **kwargs: str) -> None:
        self.user = self.get_query_argument("user")
        online[self.user] = self
        await self.say({"type": "online", "visit": str(uuid4()), "here": random.randint(10, 99)})
        self.spawn(self.weather())

    async def on_message(self, text: str | bytes) -> None:
        message = json.loads(text)
        if message["type"] == "status":
            await self.say({"type": "status_set", "status": message["status"]})
            return
        # What is said to a user goes to the connection on the list.
        there = online.get(message["to"])
        if there is not None:
            await asyncio.sleep(random.uniform(0, 0.01))
            await there.say({"type": "note", "from": self.user, "text": message["text"]})
        await self.say({"type": "delivered", "to": 0 if there is None else 1})

    def on_close(self) -> None:
        self.spawn(self.leave())

    async def leave(self) -> None:
        await asyncio.sleep(WRITE_S)
        if IS_RACY or online.get(self.user) is self:
            online.pop(self.user, None)

    async def weather(self) -> None:
        while True:
            await asyncio.sleep(random.uniform(0.05, 0.3))
            await self.say({"type": "weather", "celsius": round(random.uniform(-9, 35), 1)})

    async def say(self, message: dict[str, object]) -> None:
        await self.write_message(json.dumps(message))

    def spawn(self, work: object) -> None:
        async def done() -> None:
            try:
                await work  # type: ignore[misc]
            except WebSocketClosedError:
                pass

        task = asyncio.create_task(done())
        background.add(task)
        task.add_done_callback(background.discard)


async def main() -> None:
    tornado.web.Application([("/presence", Presence)]).listen(int(sys.argv[2]), "127.0.0.1")
    await asyncio.Event().wait()


asyncio.run(main())
