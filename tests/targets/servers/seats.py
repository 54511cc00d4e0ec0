"""Seats of a theatre, on the threads of `websockets.sync`.

python seats.py racy|healthy PORT

To book looks whether the seat is free, has it paid, which takes 80 ms, and takes it. The racy build
does not lock the seat meanwhile, and two people can have it; the healthy one does.
"""

from __future__ import annotations

import json
import random
import sys
import threading
from collections import defaultdict
from contextlib import nullcontext
from uuid import uuid4

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

PAY_S = 0.080
IS_RACY = sys.argv[1] == "racy"
taken: dict[tuple[str, str], str] = {}
locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)
never = threading.Event()


def book(seat: tuple[str, str]) -> dict[str, object]:
    with nullcontext() if IS_RACY else locks[seat]:
        if seat in taken:
            return {"type": "taken", "others_free": random.randint(10, 300)}
        never.wait(PAY_S)
        ticket = taken[seat] = uuid4().hex
        return {"type": "booked", "ticket": ticket}


def answer(message: dict[str, str]) -> dict[str, object]:
    if message["type"] == "show":
        return {"type": "showing", "show": uuid4().hex}
    if message["type"] == "look":
        return {"type": "seats", "hot": random.sample(range(1, 40), random.randint(1, 5))}
    return book((message["show"], message["seat"]))


def spectators(connection: ServerConnection, gone: threading.Event) -> None:
    while not gone.wait(random.uniform(0.03, 0.3)):
        try:
            connection.send(json.dumps({"type": "watching", "people": random.randint(5, 500)}))
        except ConnectionClosed:
            return


def handle(connection: ServerConnection) -> None:
    gone = threading.Event()
    connection.send(json.dumps({"type": "hello", "desk": random.choice(("north", "south"))}))
    threading.Thread(target=spectators, args=(connection, gone), daemon=True).start()
    try:
        for text in connection:
            never.wait(random.uniform(0, 0.003))
            reply = json.dumps(answer(json.loads(text)))
            cut = random.randint(1, len(reply) - 1)
            # A message in one frame or in two is the same message.
            connection.send(reply if random.random() < 0.5 else iter((reply[:cut], reply[cut:])))
    except ConnectionClosed:
        pass
    finally:
        gone.set()


with serve(handle, "127.0.0.1", int(sys.argv[2])) as server:
    server.serve_forever()
