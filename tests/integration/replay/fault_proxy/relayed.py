"""A fault proxy in front of an echo server, and a client of it that times itself."""

from __future__ import annotations

import asyncio
import os
import socket
import struct
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from capture.clock import monotonic_ns
from replay.fault_proxy.proxy import FaultProxy

PATIENCE_S = 30


async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with what came, to the end of it."""
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except ConnectionError:
        return
    finally:
        writer.close()


Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], object]


@dataclass(slots=True)
class Heard:
    """What a proxy told, and when."""

    events: list[tuple[int, str]] = field(default_factory=list)

    def __call__(self, text: str) -> None:
        self.events.append((monotonic_ns(), text))

    @property
    def texts(self) -> list[str]:
        return [text for _, text in self.events]


@asynccontextmanager
async def relayed(
    serve: Serve = echo, *, seed: int = 0, heard: Heard | None = None
) -> AsyncIterator[FaultProxy]:
    """Run a server and a fault proxy in front of it."""
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()
        tell = heard if heard is not None else Heard()
        async with FaultProxy((host, port), seed=seed, tell=tell) as proxy:
            yield proxy
    finally:
        server.close()


async def asked(proxy: FaultProxy, data: bytes) -> tuple[bytes, float]:
    """Send bytes and a FIN; return all that came back, and after how many milliseconds."""
    reader, writer = await asyncio.open_connection(*proxy.address)
    began_s = time.perf_counter()
    try:
        writer.write(data)
        writer.write_eof()
        async with asyncio.timeout(PATIENCE_S):
            answer = await reader.read()
        return answer, (time.perf_counter() - began_s) * 1e3
    finally:
        writer.close()


def reset(writer: asyncio.StreamWriter) -> None:
    """Leave with a TCP reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def open_sockets() -> int:
    """How many sockets this process has."""
    count = 0
    for each in os.listdir("/proc/self/fd"):
        try:
            count += os.readlink(f"/proc/self/fd/{each}").startswith("socket:")
        except FileNotFoundError:
            continue  # it was the listing itself
    return count


async def until(holds: Callable[[], bool]) -> None:
    """Return as soon as something holds; fail when it does not come to that."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():
            await asyncio.sleep(0.005)
