"""A server of the `websockets` library; what it does depends on the path. Prints its port.

/echo              sends back what it gets
/stamps            answers each message with its number and the time when it came
/dismiss           closes with code 4003 after the first message
/refuse            answers the handshake 403
/moved             answers it 302, to another host
/slow?ms=N         answers the handshake after N ms
/window?low=&high= loses what comes that many ms after the message before
/return?ms=N       closes a connection opened less than N ms after the one before was closed
/grumble?ms=N      answers all, and complains in its log of what comes within N ms of the opening
/healthy           random ids, latencies and ticks, and nothing wrong
/ping              sends a ping, and says so once it was answered
"""

# ruff: noqa: TID251  a server reads its own clock
from __future__ import annotations

import argparse
import asyncio
import http
import json
import random
import ssl
import sys
import time
from collections.abc import Sequence
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

last_closed_ns = -(10**18)


def setting(connection: ServerConnection, name: str) -> float:
    assert connection.request is not None
    return float(parse_qs(urlsplit(connection.request.path).query)[name][0])


async def echo(connection: ServerConnection) -> None:
    async for message in connection:
        await connection.send(message)


async def stamps(connection: ServerConnection) -> None:
    number = 0
    async for _ in connection:
        at_ns = time.monotonic_ns()
        await connection.send(json.dumps({"type": "seen", "n": number, "at_ns": at_ns}))
        number += 1


async def dismiss(connection: ServerConnection) -> None:
    await connection.recv()
    await connection.close(4003, "enough")


async def window(connection: ServerConnection) -> None:
    low_ms, high_ms = setting(connection, "low"), setting(connection, "high")
    before_ns = None
    async for message in connection:
        now_ns = time.monotonic_ns()
        since_ms = -1 if before_ns is None else (now_ns - before_ns) / 1e6
        before_ns = now_ns
        if not low_ms <= since_ms <= high_ms:
            await connection.send(json.dumps({"type": "ack", "of": message}))


async def come_back(connection: ServerConnection) -> None:
    global last_closed_ns
    await connection.send(json.dumps({"type": "welcome"}))
    if (time.monotonic_ns() - last_closed_ns) / 1e6 < setting(connection, "ms"):
        # What the connection before left is being saved: the server trips over it.
        await connection.close(1011, "session is being saved")
        return
    async for message in connection:
        await connection.send(json.dumps({"type": "ack", "of": message}))
    last_closed_ns = time.monotonic_ns()


async def grumble(connection: ServerConnection) -> None:
    opened_ns = time.monotonic_ns()
    async for message in connection:
        if (time.monotonic_ns() - opened_ns) / 1e6 < setting(connection, "ms"):
            print("RuntimeError: session is not ready", file=sys.stderr, flush=True)
        await connection.send(json.dumps({"type": "ack", "of": message}))


async def healthy(connection: ServerConnection) -> None:
    async def tick() -> None:
        while True:
            await asyncio.sleep(random.uniform(0.005, 0.04))
            await connection.send(json.dumps({"type": "tick", "id": random.getrandbits(64)}))

    ticking = asyncio.create_task(tick())
    async for message in connection:
        await asyncio.sleep(random.uniform(0, 0.02))
        now = f"{time.time():.6f}"
        answer = {"type": "ack", "of": message, "id": f"{random.getrandbits(128):x}", "at": now}
        await connection.send(json.dumps(answer))
    ticking.cancel()


async def ping(connection: ServerConnection) -> None:
    answered = await connection.ping(b"are you there")
    await answered
    await connection.send("you are there")
    await connection.wait_closed()


HANDLERS = {
    "/echo": echo,
    "/slow": echo,
    "/stamps": stamps,
    "/dismiss": dismiss,
    "/window": window,
    "/return": come_back,
    "/grumble": grumble,
    "/healthy": healthy,
    "/ping": ping,
}


async def answer(connection: ServerConnection, request: Request) -> Response | None:
    path = urlsplit(request.path)
    if path.path == "/slow":
        await asyncio.sleep(float(parse_qs(path.query)["ms"][0]) / 1e3)
    if path.path == "/moved":
        moved = connection.respond(http.HTTPStatus.FOUND, "")
        moved.headers["Location"] = "ws://elsewhere.example/ws?token=nobody-may-read-this-1"
        return moved
    if path.path not in HANDLERS:
        return connection.respond(http.HTTPStatus.FORBIDDEN, "not you\n")
    return None


def chosen(connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((name for name in offered if name.endswith("1.chat")), None)


async def handle(connection: ServerConnection) -> None:
    assert connection.request is not None
    try:
        await HANDLERS[urlsplit(connection.request.path).path](connection)
    except ConnectionClosed:
        pass


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--certificate")
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    tls = None
    if options.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.certificate)
    server = await serve(
        handle, options.host, 0, process_request=answer, ssl=tls, select_subprotocol=chosen
    )
    (listening,) = server.sockets
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    await server.serve_forever()


asyncio.run(main())
