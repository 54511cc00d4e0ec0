"""A server of `websockets` that speaks words: SESSION ID, then RESUME ID on another connection.

It closes with 4003 on an id that is not its own, and asks a number back with every word. With
`plain` it issues nothing. Prints its port.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import string
import sys

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

WRONG = 4003
ALPHABET = string.ascii_lowercase + string.digits
sessions: set[str] = set()


def fresh() -> str:
    """Return an id of a few characters, with a digit in it."""
    return "".join(secrets.choice(ALPHABET) for _ in range(8)) + str(secrets.randbelow(10))


async def words(socket: ServerConnection) -> None:
    count = secrets.randbelow(300) + 10
    async for said in socket:
        verb, *rest = str(said).split()
        if verb == "HELLO":
            session = fresh()
            sessions.add(session)
            await socket.send(f"SESSION {session}")
        elif verb == "RESUME" and rest[0] in sessions:
            await socket.send(f"RESUMED SEQ={count}")
        elif verb == "NEXT" and rest[0] == f"ACK={count}":
            count += secrets.randbelow(5) + 1
            await socket.send(f"ITEM SEQ={count}")
        else:
            await socket.close(WRONG, "not mine")


async def plain(socket: ServerConnection) -> None:
    async for said in socket:
        await socket.send(f"got {len(said)}")


async def main() -> None:
    handler = plain if "plain" in sys.argv else words

    async def handle(socket: ServerConnection) -> None:
        try:
            await handler(socket)
        except ConnectionClosed:
            return

    async with serve(handle, "127.0.0.1", 0) as server:
        print(json.dumps({"port": next(iter(server.sockets)).getsockname()[1]}), flush=True)
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
