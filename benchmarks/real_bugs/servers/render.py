"""Renderings that one page watches and another one finishes (aiohttp): `python -m render PORT`.

A watcher is sent the progress until its rendering is finished, and may ask for another one then.
"""

import asyncio
import sys
import uuid

from aiohttp import WSMsgType, web

HEARTBEAT_S = 0.6
TICK_S = 0.05
jobs = web.AppKey("jobs", dict[str, asyncio.Event])


async def watch(request: web.Request) -> web.WebSocketResponse:
    """Stream the progress of each rendering that is asked for."""
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
    await socket.prepare(request)
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await render(socket, request.app[jobs])
    except ConnectionError as problem:
        print(f"watcher left: {problem}", flush=True)
    return socket


async def render(socket: web.WebSocketResponse, running: dict[str, asyncio.Event]) -> None:
    """Tell the progress until somebody finishes it."""
    job, finished = uuid.uuid4().hex, asyncio.Event()
    running[job] = finished
    await socket.send_json({"type": "started", "job": job})
    try:
        while not finished.is_set():
            await socket.send_json({"type": "progress"})
            await asyncio.sleep(TICK_S)
    finally:
        del running[job]
    await socket.send_json({"type": "finished", "job": job})


async def control(request: web.Request) -> web.WebSocketResponse:
    """Finish renderings."""
    socket = web.WebSocketResponse(heartbeat=HEARTBEAT_S)
    await socket.prepare(request)
    try:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                if finished := request.app[jobs].get(message.json()["job"]):
                    finished.set()
                await socket.send_json({"type": "done"})
    except ConnectionError as problem:
        print(f"controller left: {problem}", flush=True)
    return socket


def main() -> None:
    """Serve on a port of loopback."""
    app = web.Application()
    app[jobs] = {}
    app.add_routes([web.get("/watch", watch), web.get("/control", control)])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)


if __name__ == "__main__":
    main()
