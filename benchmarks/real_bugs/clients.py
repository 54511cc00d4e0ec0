"""Clients, each with a healthy session: what a person with a calm network does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

THINK_S = 0.2
# More than aiohttp keeps unread: twice DEFAULT_CHUNK_SIZE.
PICTURE_BYTES = 600_000


async def member(url: str) -> None:
    """Enter the room, say two things, leave."""
    async with connect(f"{url}?name=ada", proxy=None) as socket:
        for number in range(2):
            await asyncio.sleep(THINK_S)
            await _say(socket, {"type": "say", "n": number})
            await _until(socket, "said")


async def asker(url: str) -> None:
    """Ask, wait for the answer, send the application's heartbeat, leave."""
    async with connect(url, proxy=None) as socket:
        await asyncio.sleep(THINK_S)
        await _say(socket, {"type": "ask", "text": "why"})
        await _until(socket, "answer")
        await asyncio.sleep(THINK_S)
        await _say(socket, {"type": "ping"})
        await _until(socket, "pong")


async def customer(url: str) -> None:
    """Want two reports, one after the other, leave."""
    async with connect(url, proxy=None) as socket:
        for number in range(2):
            await asyncio.sleep(THINK_S)
            await _say(socket, {"type": "request", "n": number})
            await _until(socket, "report")


async def viewer(url: str) -> None:
    """Watch a rendering, finish it from another page soon after, leave both."""
    async with connect(f"{url}watch", proxy=None) as watch:
        await _say(watch, {"type": "watch"})
        job = (await _until(watch, "started"))["job"]
        async with connect(f"{url}control", proxy=None) as control:
            await asyncio.sleep(THINK_S)
            await _say(control, {"type": "finish", "job": job})
            await _until(control, "done")
            await _until(watch, "finished")
            await asyncio.sleep(THINK_S)


async def uploader(url: str) -> None:
    """Ask, wait for the answer, upload a picture, leave."""
    async with connect(url, proxy=None) as socket:
        await asyncio.sleep(THINK_S)
        await _say(socket, {"type": "ask"})
        await _until(socket, "answer")
        await asyncio.sleep(THINK_S)
        await _say(socket, {"type": "upload", "data": "pixel " * (PICTURE_BYTES // 6)})
        await _until(socket, "stored")


async def writer(url: str) -> None:
    """Think, write two notes, leave."""
    async with connect(url, proxy=None) as socket:
        for number in range(2):
            await asyncio.sleep(THINK_S)
            await _say(socket, {"type": "note", "n": number})
            await _until(socket, "stored")


async def socket_io_writer(url: str) -> None:
    """Write two notes as a Socket.IO client does: open, connect to the namespace, send events."""
    async with connect(f"{url}?EIO=4&transport=websocket", proxy=None) as socket:
        await socket.recv()  # 0{...}: Engine.IO is open
        await socket.send("40")
        await socket.recv()  # 40{...}: the namespace is joined
        for number in range(2):
            await asyncio.sleep(THINK_S)
            await socket.send("42" + json.dumps(["note", {"n": number}]))
            await socket.recv()  # 42["stored",...]


async def _say(socket: ClientConnection, message: dict[str, Any]) -> None:
    await socket.send(json.dumps(message))


async def _until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """Read up to a message of this type, and return it."""
    while True:
        message: dict[str, Any] = json.loads(await socket.recv())
        if message["type"] == kind:
            return message
