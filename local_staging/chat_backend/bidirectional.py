"""A connection is ready when both directions have been seen to work, and not before.

That a send returned proves nothing about the network: uvicorn 0.52.0, hypercorn and daphne take two
hundred messages for a client that has left. What proves it is something the client says.
"""

from __future__ import annotations

import asyncio


class BidirectionalHandshake:
    """What is known of the two directions of one connection."""

    def __init__(self) -> None:
        self._has_sent = asyncio.Event()
        self._has_heard = asyncio.Event()

    def sent(self) -> None:
        """Take note that the connection response went out."""
        self._has_sent.set()

    def heard(self) -> None:
        """Take note that the client said something: it can be heard, and it has heard us."""
        self._has_heard.set()

    async def complete(self) -> None:
        """Return once both directions work."""
        await self._has_sent.wait()
        await self._has_heard.wait()
