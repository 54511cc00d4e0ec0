"""A server of the `websockets` library that does one thing wrong by timing. Prints its port.

It answers {"id": …, "user": …, "text": …} with {"type": "started"} and {"type": "answer"}, both
with that id and a `seq` of the connection. `/FAULT?ms=N` goes wrong with what comes less than N ms
after the message before on any connection; the log says what went wrong.

/none       nothing
/slow       nothing, but every answer takes N ms
/lost       no answer
/twice      the answer comes twice
/reordered  the answer comes before its start
/crossed    the answer goes to the connection that spoke before
/cut        TCP ends without a Close frame
/dismissed  closes with 1011
"""

# ruff: noqa: TID251  a server reads its own clock
from __future__ import annotations

import asyncio
import json
import sys
import time
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

spoke_before: tuple[float, ServerConnection] | None = None


def setting_s(connection: ServerConnection) -> float:
    assert connection.request is not None
    return float(parse_qs(urlsplit(connection.request.path).query)["ms"][0]) / 1e3


def is_too_soon(connection: ServerConnection) -> tuple[bool, ServerConnection]:
    """Whether the message just got comes too soon after the one before, and whose that was."""
    global spoke_before
    now_s = time.monotonic()
    before_s, other = spoke_before if spoke_before is not None else (-1e9, connection)
    spoke_before = (now_s, connection)
    return now_s - before_s < setting_s(connection), other


async def answer(
    connection: ServerConnection,
    fault: str,
    other: ServerConnection,
    asked: dict[str, str],
    seq: int,
) -> None:
    started = {"type": "started", "id": asked["id"], "seq": seq}
    said = {**started, "type": "answer", "seq": seq + 1, "user": asked["user"], "of": asked["text"]}
    replies = {
        "lost": [(connection, started)],
        "twice": [(connection, started), (connection, said), (connection, said)],
        "reordered": [(connection, said), (connection, started)],
        "crossed": [(connection, started), (other, said)],
    }
    for to, reply in replies.get(fault, [(connection, started), (connection, said)]):
        await to.send(json.dumps(reply))


async def handle(connection: ServerConnection) -> None:
    assert connection.request is not None
    fault = urlsplit(connection.request.path).path.strip("/")
    seq = 1
    try:
        async for message in connection:
            too_soon, other = is_too_soon(connection)
            if fault == "slow":
                await asyncio.sleep(setting_s(connection))
                too_soon = False
            if too_soon:
                print(f"went wrong: {fault}", file=sys.stderr, flush=True)
            if too_soon and fault == "cut":
                connection.transport.abort()
                return
            if too_soon and fault == "dismissed":
                await connection.close(1011, "cannot do two things at once")
                return
            await answer(connection, fault if too_soon else "none", other, json.loads(message), seq)
            seq += 2
    except ConnectionClosed:
        pass


async def main() -> None:
    server = await serve(handle, "127.0.0.1", 0)
    (listening,) = server.sockets
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
