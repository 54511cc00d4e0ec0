"""Settings of a user, on Falcon and uvicorn.

python profile.py racy|healthy PORT

The profile is loaded when a connection was accepted, which takes 130 ms. A message that comes
before finds none in the racy build, which ends in an error; the healthy one waits for it.
"""

from __future__ import annotations

import asyncio
import random
import sys
from dataclasses import dataclass, field
from uuid import uuid4

import falcon.asgi
import uvicorn
from falcon import WebSocketDisconnected

LOAD_S = 0.130
IS_RACY = sys.argv[1] == "racy"


@dataclass
class Profile:
    name: str = "robin"
    settings: dict[str, object] = field(default_factory=dict)


async def load() -> Profile:
    await asyncio.sleep(LOAD_S)
    return Profile()


class Settings:
    async def on_websocket(
        self, request: falcon.asgi.Request, socket: falcon.asgi.WebSocket
    ) -> None:
        await socket.accept()
        loading = asyncio.create_task(load())
        await socket.send_media({"type": "hello", "request": uuid4().hex})
        presence = asyncio.create_task(self.friends(socket))
        profile: Profile | None = None

        def loaded(task: asyncio.Task[Profile]) -> None:
            nonlocal profile
            if not task.cancelled():
                profile = task.result()

        loading.add_done_callback(loaded)
        try:
            while True:
                message = await socket.receive_media()
                if not IS_RACY:
                    profile = await loading
                profile.settings[message["name"]] = message["value"]  # type: ignore[union-attr]
                await asyncio.sleep(random.uniform(0, 0.006))
                await socket.send_media(
                    {"type": "saved", "name": message["name"], "etag": uuid4().hex}
                )
        except WebSocketDisconnected:
            pass
        finally:
            presence.cancel()

    async def friends(self, socket: falcon.asgi.WebSocket) -> None:
        while True:
            await asyncio.sleep(random.uniform(0.02, 0.3))
            await socket.send_media(
                {"type": "friend", "name": random.choice(("kim", "lee", "sam")), "on": True}
            )


app = falcon.asgi.App()
app.add_route("/profile", Settings())
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", ws_ping_interval=0.3)
