"""A shared document that saves itself, on the asyncio server of `websockets`.

python documents.py racy|healthy PORT

A document is saved 130 ms after its last change, which takes the store 130 ms. The racy build then
puts what the store gave back, cleaned up, in the place of the document: what was changed meanwhile
is lost, though it was acknowledged.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from uuid import uuid4

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

QUIET_S, STORE_S = 0.130, 0.130
IS_RACY = sys.argv[1] == "racy"


class Document:
    def __init__(self) -> None:
        self.id = uuid4().hex
        self.lines: list[str] = []
        self.is_saving = False
        self.timer: asyncio.TimerHandle | None = None
        self.saves: set[asyncio.Task[None]] = set()

    def insert(self, line: str) -> None:
        self.lines.append(line)
        if not self.is_saving:
            self.save_soon()

    def save_soon(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
        self.timer = asyncio.get_running_loop().call_later(QUIET_S, self.begin_saving)

    def begin_saving(self) -> None:
        self.is_saving = True
        task = asyncio.create_task(self.save())
        self.saves.add(task)
        task.add_done_callback(self.saves.discard)

    async def save(self) -> None:
        sent = list(self.lines)
        cleaned = await store(sent)
        self.is_saving = False
        if IS_RACY:
            self.lines = cleaned
        else:
            self.lines[: len(sent)] = cleaned
        if len(self.lines) > len(sent):
            self.save_soon()


async def store(lines: list[str]) -> list[str]:
    await asyncio.sleep(STORE_S)
    return [line.rstrip() for line in lines]


async def cursors(connection: ServerConnection) -> None:
    """Tell where others are, which is never twice the same."""
    while True:
        await asyncio.sleep(random.uniform(0.02, 0.2))
        who = random.choice(("ada", "bob", "eve"))
        await connection.send(
            json.dumps({"type": "cursor", "who": who, "at": random.randrange(500)})
        )


async def edit(connection: ServerConnection) -> None:
    document = Document()
    greeting = random.choice(("Welcome!", "Hello again.", "Good to see you."))
    await connection.send(json.dumps({"type": "hello", "text": greeting, "session": uuid4().hex}))
    moving = asyncio.create_task(cursors(connection))
    try:
        async for text in connection:
            message = json.loads(text)
            match message["type"]:
                case "open":
                    reply = {"type": "opened", "document": document.id}
                case "insert":
                    document.insert(message["line"])
                    reply = {"type": "inserted", "change": message["change"]}
                case _:
                    reply = {"type": "content", "lines": document.lines}
            await connection.send(json.dumps(reply))
    except ConnectionClosed:
        pass
    finally:
        moving.cancel()


async def main() -> None:
    async with serve(edit, "127.0.0.1", int(sys.argv[2]), ping_interval=0.35) as server:
        await server.serve_forever()


asyncio.run(main())
