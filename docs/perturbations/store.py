"""The service behind the example server: it says back each line that it is told, 30 ms later."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

HOST = "127.0.0.1"
ANSWERS_AFTER_S = 0.030


class _Store(asyncio.Protocol):
    """One who asks."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(ANSWERS_AFTER_S, self._transport.write, data)


@asynccontextmanager
async def storing() -> AsyncIterator[int]:
    """Run the store; yield its port."""
    server = await asyncio.get_running_loop().create_server(_Store, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class Asking(asyncio.Protocol):
    """The server's connection to the store: answers come in the order of the questions."""

    def __init__(self) -> None:
        self._then: deque[Callable[[], None]] = deque()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Be ready to ask."""
        self._transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Hand answers to those who asked."""
        for _ in range(data.count(b"\n")):
            self._then.popleft()()

    def ask(self, then: Callable[[], None]) -> None:
        """Ask; `then` is called once the answer is there."""
        self._then.append(then)
        self._transport.write(b"in stock?\n")

    def stop(self) -> None:
        """Ask no more, and wait for nothing."""
        self._transport.abort()
