"""A door that asks who may enter before it answers the handshake (aiohttp): `python -m door PORT`.

A visitor who leaves while the door asks is nothing to complain of.
"""

import asyncio
import sys

from aiohttp import WSMsgType, web

ASK_S = 0.15


async def door(request: web.Request) -> web.StreamResponse:
    """Let visitors in, and acknowledge what they say."""
    await asyncio.sleep(ASK_S)
    if request.query.get("name") not in {"ada", "bob"}:
        raise web.HTTPForbidden
    socket = web.WebSocketResponse()
    try:
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_json({"type": "said", "n": message.json()["n"]})
    except ConnectionError as problem:
        print(f"visitor left: {problem}", flush=True)
    return socket


def main() -> None:
    """Serve on a port of loopback."""
    app = web.Application()
    app.add_routes([web.get("/room", door)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
