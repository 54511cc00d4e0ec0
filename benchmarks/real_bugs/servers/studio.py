"""A studio that works on request and takes uploads (aiohttp): `studio PORT in-turn|along`.

`in-turn` reads the next message when the work on the one before is done, as the manual shows.
`along` reads in a task of its own, whatever the work does.
"""

import asyncio
import sys
from collections.abc import AsyncIterator

from aiohttp import WSMessage, WSMsgType, web

HEARTBEAT_S = 0.6
STEPS = 16
STEP_S = 0.1


async def answer(socket: web.WebSocketResponse, message: WSMessage) -> None:
    """Work and tell every step, or store what was uploaded."""
    request = message.json()
    if request["type"] == "upload":
        await socket.send_json({"type": "stored", "size": len(request["data"])})
        return
    for step in range(STEPS):
        await asyncio.sleep(STEP_S)
        await socket.send_json({"type": "progress", "step": step})
    await socket.send_json({"type": "answer"})


async def read_along(socket: web.WebSocketResponse) -> AsyncIterator[WSMessage]:
    """Read on while the work goes on."""
    messages: asyncio.Queue[WSMessage | None] = asyncio.Queue()

    async def read() -> None:
        async for message in socket:
            messages.put_nowait(message)
        messages.put_nowait(None)

    reader = asyncio.create_task(read())
    try:
        while (message := await messages.get()) is not None:
            yield message
    finally:
        reader.cancel()


async def studio(request: web.Request) -> web.WebSocketResponse:
    """Serve one request after the other."""
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
    await socket.prepare(request)
    try:
        async for message in socket if sys.argv[2] == "in-turn" else read_along(socket):
            if message.type is WSMsgType.TEXT:
                await answer(socket, message)
    except ConnectionError as problem:
        print(f"client left: {problem}", flush=True)
    return socket


def main() -> None:
    """Serve on a port of loopback."""
    app = web.Application()
    app.add_routes([web.get("/", studio)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
