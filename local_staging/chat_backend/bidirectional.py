"""A connection is ready when both directions have been seen to work, and not before.

That a send returned proves nothing about the network: uvicorn 0.52.0, hypercorn and daphne take two
hundred messages for a client that has left. What proves it is something the client says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


class HandshakeTimeout(Exception):
    """One of the directions was not seen to work in time."""


class BidirectionalHandshake:
    """What is known of the two directions of one connection."""

    def __init__(self) -> None:
        self._can_send = asyncio.Event()
        self._can_receive = asyncio.Event()

    @property
    def is_complete(self) -> bool:
        """Whether both directions work."""
        return self._can_send.is_set() and self._can_receive.is_set()

    def sent(self) -> None:
        """Take note that the connection response went out."""
        self._can_send.set()

    def heard(self) -> None:
        """Take note that the client said something: it can be heard, and it has heard us."""
        self._can_receive.set()

    async def can_send(self) -> None:
        """Return once sending works."""
        await self._can_send.wait()

    async def can_receive(self) -> None:
        """Return once receiving works."""
        await self._can_receive.wait()

    async def complete(self, timeout_s: float | None = None) -> None:
        """Return once both directions work. Raises HandshakeTimeout."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._can_send.wait()
                await self._can_receive.wait()
        except TimeoutError:
            missing = "receive" if self._can_send.is_set() else "send"
            raise HandshakeTimeout(
                f"the handshake is not complete after {timeout_s:g} s: cannot {missing} yet"
            ) from None

    async def then(self, operation: Callable[[], Awaitable[T]]) -> T:
        """Do something once both directions work."""
        await self.complete()
        return await operation()
