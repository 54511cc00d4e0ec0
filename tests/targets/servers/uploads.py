"""Uploads in parts, on aiohttp: one at a time of each name.

python uploads.py racy|healthy PORT

To begin takes the lock of the name, then 80 ms to ask for the user's quota, and only then the
upload belongs to its connection. When a connection is gone, its uploads are given up and their
locks freed. In the racy build an upload that comes to belong to a connection after that keeps its
lock until the lease is over; the healthy one looks whether the connection is still there.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from uuid import uuid4

from aiohttp import WSMsgType, web

QUOTA_S, LEASE_S = 0.080, 0.6
IS_RACY = sys.argv[1] == "racy"
locks: dict[str, str] = {}


class Uploader:
    def __init__(self, socket: web.WebSocketResponse) -> None:
        self.socket = socket
        self.uploads: dict[str, str] = {}
        self.received = 0
        self.is_gone = False

    async def begin(self, name: str) -> None:
        if name in locks:
            await self.say({"type": "busy", "name": name})
            return
        upload = locks[name] = uuid4().hex
        asyncio.get_running_loop().call_later(LEASE_S, free, name, upload)
        await asyncio.sleep(QUOTA_S)
        if self.is_gone and not IS_RACY:
            free(name, upload)
            return
        self.uploads[name] = upload
        await self.say({"type": "begun", "name": name, "upload": upload})

    async def part(self, data: bytes) -> None:
        self.received += len(data)
        # How often a client hears of it depends on how busy the disk is.
        for _ in range(random.randint(0, 3)):
            await asyncio.sleep(random.uniform(0, 0.004))
            await self.say({"type": "progress", "disk": random.random()})
        await self.say({"type": "stored", "bytes": self.received})

    async def finish(self, name: str) -> None:
        upload = self.uploads.pop(name, "")
        free(name, upload)
        await self.say({"type": "finished", "name": name, "bytes": self.received})

    def leave(self) -> None:
        self.is_gone = True
        for name, upload in self.uploads.items():
            free(name, upload)

    async def say(self, message: dict[str, object]) -> None:
        if not self.socket.closed:
            await self.socket.send_str(json.dumps(message))


def free(name: str, upload: str) -> None:
    if locks.get(name) == upload:
        del locks[name]


async def serve(request: web.Request) -> web.WebSocketResponse:
    socket = web.WebSocketResponse(heartbeat=0.4)
    await socket.prepare(request)
    uploader = Uploader(socket)
    await uploader.say({"type": "welcome", "motd": random.choice(("Hello", "Be brief", "Hi!"))})
    # The quota must not keep the parts of other uploads waiting.
    beginning: set[asyncio.Task[None]] = set()
    try:
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                await uploader.part(message.data)
                continue
            asked = message.json()
            if asked["type"] == "begin":
                task = asyncio.create_task(uploader.begin(asked["name"]))
                beginning.add(task)
                task.add_done_callback(beginning.discard)
            else:
                await uploader.finish(asked["name"])
    finally:
        # A client may be gone in the middle of an answer.
        uploader.leave()
    await asyncio.gather(*beginning, return_exceptions=True)
    return socket


app = web.Application()
app.router.add_get("/uploads", serve)
web.run_app(app, host="127.0.0.1", port=int(sys.argv[2]), print=None)
