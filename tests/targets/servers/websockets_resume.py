"""Sessions that survive a connection, on `websockets`. Racy: 150 ms after a connection has ended
its session is put away by the user's name, also when the user has come back in the meantime.
Healthy: only if nobody has.
"""

from __future__ import annotations

import asyncio
import json

from noise import greeting, latency, message, options, tick
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

PUT_AWAY_S = 0.150
OPTIONS = options()
held_by: dict[str, ServerConnection] = {}
leaving: set[asyncio.Task[None]] = set()


async def put_away(user: str, connection: ServerConnection) -> None:
    await asyncio.sleep(PUT_AWAY_S)
    if OPTIONS.build == "racy" or held_by.get(user) is connection:
        held_by.pop(user, None)


async def chat(connection: ServerConnection) -> None:
    user = ""
    await connection.send(greeting())
    ticking = asyncio.create_task(tick(connection.send))
    try:
        async for received in connection:
            asked = json.loads(received)
            await latency()
            if asked["do"] == "log in":
                user = asked["user"]
                held_by[user] = connection
                answer = message("logged_in", user=user)
            elif held_by.get(user) is connection:
                answer = message("said", text=asked["text"])
            else:
                answer = message("error", text="you have no session")
            # In pieces, as some proxies have it.
            await connection.send([answer[:20], answer[20:]])
    except ConnectionClosed:
        pass
    finally:
        ticking.cancel()
        task = asyncio.create_task(put_away(user, connection))
        leaving.add(task)
        task.add_done_callback(leaving.discard)


async def main() -> None:
    async with serve(chat, "127.0.0.1", OPTIONS.port):
        await asyncio.Event().wait()


asyncio.run(main())
