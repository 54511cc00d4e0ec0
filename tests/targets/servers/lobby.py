"""The lobby of a game, on Sanic: a table that nobody plays at is put to sleep.

python lobby.py racy|healthy PORT

After 700 ms without a move a table is put to sleep, which takes 450 ms to write; the next move
wakes it up. A move that comes while it is being written changes what was already written: the racy
build wakes up what was, and the move is gone; the healthy one writes again.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
from uuid import uuid4

from sanic import Request, Sanic, Websocket

IDLE_S, WRITE_S = 0.700, 0.450
IS_RACY = sys.argv[1] == "racy"
app = Sanic("lobby", configure_logging=False)


class Table:
    def __init__(self) -> None:
        self.id = str(uuid4())
        self.moves: list[str] = []
        self.written: list[str] | None = None
        self.sleeping: asyncio.Task[None] | None = None

    def touch(self) -> None:
        """Begin to wait anew, unless the table is on its way to sleep."""
        if self.sleeping is None:
            self.sleeping = asyncio.create_task(self.sleep())
        elif self.written is None:
            self.sleeping.cancel()
            self.sleeping = asyncio.create_task(self.sleep())

    async def sleep(self) -> None:
        await asyncio.sleep(IDLE_S)
        while True:
            count = len(self.moves)
            self.written = list(self.moves)
            await asyncio.sleep(WRITE_S)
            if IS_RACY or len(self.moves) == count:
                break
        self.moves, self.written, self.sleeping = list(self.written), None, None

    def move(self, move: str) -> None:
        self.moves.append(move)
        self.touch()


async def chatter(socket: Websocket) -> None:
    while True:
        await asyncio.sleep(random.uniform(0.04, 0.4))
        await socket.send(json.dumps({"type": "players", "online": random.randint(100, 999)}))


@app.websocket("/lobby")
async def serve(request: Request, socket: Websocket) -> None:
    table = Table()
    chatting = asyncio.create_task(chatter(socket))
    try:
        async for text in socket:
            message = json.loads(text)
            match message["type"]:
                case "sit":
                    table.touch()
                    answer = {"type": "seated", "table": table.id, "seat": random.randint(1, 6)}
                case "move":
                    table.move(message["move"])
                    answer = {"type": "moved", "at": random.getrandbits(48)}
                case _:
                    answer = {"type": "board", "moves": " ".join(table.moves)}
            await asyncio.sleep(random.uniform(0, 0.008))
            await socket.send(json.dumps(answer))
    finally:
        chatting.cancel()


app.run("127.0.0.1", int(sys.argv[2]), single_process=True, access_log=False, motd=False)
