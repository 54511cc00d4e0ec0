"""A user's settings, on Sanic. Racy: each message is handled by a task of its own, and to set takes
100 ms, so that who asks within that time is told the old value. Healthy: one after the other.
"""

from __future__ import annotations

import asyncio
import json

from noise import greeting, latency, message, options, tick
from sanic import Request, Sanic
from sanic.server.websockets.impl import WebsocketImplProtocol

SETTING_S = 0.100
OPTIONS = options()
app = Sanic("settings")


@app.websocket("/ws")
async def settings(request: Request, socket: WebsocketImplProtocol) -> None:
    values: dict[str, str] = {}
    tasks = {asyncio.create_task(tick(socket.send))}

    async def handle(asked: dict[str, str]) -> None:
        await latency()
        if asked["do"] == "set":
            await asyncio.sleep(SETTING_S)
            values[asked["name"]] = asked["value"]
            await socket.send(message("set", name=asked["name"]))
        else:
            await socket.send(message("value", value=values.get(asked["name"], "none")))

    await socket.send(greeting())
    try:
        async for received in socket:
            asked = json.loads(received)
            if OPTIONS.build == "racy":
                tasks.add(asyncio.create_task(handle(asked)))
            else:
                await handle(asked)
    finally:
        for task in tasks:
            task.cancel()


if __name__ == "__main__":
    app.run(host="127.0.0.1", port=OPTIONS.port, single_process=True, motd=False, access_log=False)
