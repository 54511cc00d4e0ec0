"""What the connections of a run go over, and whose clock counts: real sockets and real time, or an
application in this process and a time that jumps."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from capture.clock import SPIN_NS, NowNs, monotonic_ns
from replay.engine.sockets import allow_sockets, connected_socket
from replay.target import Target


class Carrier(Protocol):
    """Carries one run at a time."""

    @property
    def now_ns(self) -> NowNs:
        """The clock that counts."""

    @property
    def spin_ns(self) -> int:
        """How long before its time a send is waited for without sleeping."""

    def prepared(self, target: Target, connections: int) -> Connect:
        """Return how to connect to a target, so many times. Raises CaptureError."""

    @property
    def is_repeatable(self) -> bool:
        """Whether two runs with one seed are to be the same."""

    def serving(self, seed: int) -> AbstractAsyncContextManager[None]:
        """Have whatever answers be there for the time of one run. Raises ReplayError.

        Where that can be, all its chance follows from `seed`.
        """


class Connect(Protocol):
    """Connects a client."""

    async def __call__(self, client: asyncio.Protocol, receive_buffer_bytes: int | None) -> None:
        """Return once TCP is established. Raises OSError, UnicodeError."""


@dataclass(frozen=True, slots=True)
class Sockets:
    """Carries over the network."""

    now_ns: NowNs = monotonic_ns
    spin_ns: int = SPIN_NS
    is_repeatable: bool = False

    def prepared(self, target: Target, connections: int) -> Connect:
        """Load the certificates, which takes a while, and see that there can be so many sockets."""
        allow_sockets(connections)
        return _SocketConnect(target, target.tls())

    @asynccontextmanager
    async def serving(self, seed: int) -> AsyncIterator[None]:
        """The server is elsewhere, and its chance its own."""
        yield


@dataclass(frozen=True, slots=True)
class _SocketConnect:
    target: Target
    tls: ssl.SSLContext | None

    async def __call__(self, client: asyncio.Protocol, receive_buffer_bytes: int | None) -> None:
        loop, target = asyncio.get_running_loop(), self.target
        if receive_buffer_bytes is None:
            await loop.create_connection(lambda: client, target.host, target.port, ssl=self.tls)
            return
        sock = await connected_socket(target.host, target.port, receive_buffer_bytes)
        name = target.host if self.tls else None
        await loop.create_connection(lambda: client, sock=sock, ssl=self.tls, server_hostname=name)
