"""Pictures that are shown to all in a room, on the asyncio server of `websockets`, uncompressed.

python gallery.py racy|healthy PORT

The racy build shows a picture to one viewer after the other, and gives the round up when one does
not take it within 400 ms: who does not read keeps it from those after. The healthy one shows it to
all at once.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
from base64 import b64encode
from collections import defaultdict
from uuid import uuid4

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

TAKES_S, SEND_BUFFER, PICTURE_BYTES = 0.400, 16_384, 120_000
IS_RACY = sys.argv[1] == "racy"
rooms: defaultdict[str, list[ServerConnection]] = defaultdict(list)


async def say(viewer: ServerConnection, **message: object) -> None:
    try:
        await viewer.send(json.dumps(message))
    except ConnectionClosed:
        pass


async def show(room: str) -> None:
    picture = b64encode(random.randbytes(PICTURE_BYTES)).decode()
    shown = {"type": "picture", "id": uuid4().hex, "data": picture}
    if not IS_RACY:
        await asyncio.gather(*(say(viewer, **shown) for viewer in rooms[room]))
        return
    try:
        for viewer in list(rooms[room]):
            async with asyncio.timeout(TAKES_S):
                await say(viewer, **shown)
    except TimeoutError:
        print("the round was given up", flush=True)


async def clapping(viewer: ServerConnection) -> None:
    while True:
        await asyncio.sleep(random.uniform(0.05, 0.4))
        await say(viewer, type="clap", hands=random.randint(1, 50))


async def serve_viewer(viewer: ServerConnection) -> None:
    room = ""
    work = [asyncio.create_task(clapping(viewer))]
    try:
        async for text in viewer:
            message = json.loads(text)
            if message["type"] == "show":
                work.append(asyncio.create_task(show(room)))
                continue
            room = message.get("room") or uuid4().hex
            rooms[room].append(viewer)
            await say(viewer, type="entered", room=room, seen=random.randint(0, 999))
    except ConnectionClosed:
        pass
    finally:
        work[0].cancel()
        if room:
            rooms[room].remove(viewer)


async def main() -> None:
    listening = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    # A picture is more than the kernel takes for who does not read.
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
    async with serve(serve_viewer, sock=listening, compression=None, write_limit=8192) as server:
        await server.serve_forever()


asyncio.run(main())
