"""What the connections of a run go over, and whose clock counts: real sockets and real time, or an
application in this process and a time that jumps."""

from __future__ import annotations

import asyncio
import ssl
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from capture.clock import SPIN_NS, NowNs, monotonic_ns
from replay.engine.run_state import RunState
from replay.engine.sockets import allow_sockets, connected_socket
from replay.plan import Plan
from replay.target import Target


class ByteCarrier(Protocol):
    """Carries one run at a time, as bytes, for the live shell."""

    @property
    def is_repeatable(self) -> bool:
        """Whether two runs with one seed are to be the same."""

    @property
    def fidelity(self) -> str:
        """What the record of a run says of how it was carried; nothing for a server elsewhere."""

    def carrying(self, plan: Plan) -> Carrier:
        """Return who carries a plan out: this, or another that can."""

    def serving(self, seed: int) -> AbstractAsyncContextManager[None]:
        """Have whatever answers be there for the time of one run. Raises ReplayError.

        Where that can be, all its chance follows from `seed`.
        """

    @property
    def now_ns(self) -> NowNs:
        """The clock that counts."""

    @property
    def spin_ns(self) -> int:
        """How long before its time a send is waited for without sleeping."""

    def notes_after(self, began_ns: int) -> Iterable[str]:
        """Return what to note of the server in the record of a run that began then."""

    def prepared(self, target: Target, connections: int) -> Connect:
        """Return how to connect to a target, so many times. Raises CaptureError."""


class MessageCarrier(ABC):
    """Carries one run at a time, as messages, with a shell of its own."""

    is_repeatable: bool
    fidelity: str

    @abstractmethod
    def carrying(self, plan: Plan) -> Carrier:
        """Return who carries a plan out: this, or another that can."""

    @abstractmethod
    def serving(self, seed: int) -> AbstractAsyncContextManager[None]:
        """Have whatever answers be there for the time of one run. Raises ReplayError."""

    @abstractmethod
    def run(self, state: RunState) -> Run:
        """Return a run that has not begun, while what answers is there."""


Carrier = ByteCarrier | MessageCarrier


class Run(Protocol):
    """A plan being carried out."""

    async def carry_out(self) -> None:
        """Take every step in its time; return when all connections ended."""


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
    fidelity: str = ""

    def carrying(self, plan: Plan) -> Sockets:
        """Every plan is carried."""
        return self

    def notes_after(self, began_ns: int) -> Iterable[str]:
        """Nobody knows the inside of a server elsewhere."""
        return ()

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
