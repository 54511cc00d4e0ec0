"""A client as a session of a target is written down with: it says, hears, waits and leaves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from websockets.asyncio.client import ClientConnection, connect


@dataclass(frozen=True, slots=True)
class Client:
    """One connection of a user."""

    socket: ClientConnection

    async def say(self, **fields: str) -> None:
        """Send a message."""
        await self.socket.send(json.dumps(fields))

    async def hear(self, kind: str) -> None:
        """Wait for a message of a kind."""
        async with asyncio.timeout(5):
            async for message in self.socket:
                if json.loads(message)["type"] == kind:
                    return
        raise ConnectionError(f"no {kind} came")


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[Client]:
    """Connect, and leave with a goodbye."""
    async with connect(url) as socket:
        yield Client(socket)


async def pause(ms: float) -> None:
    """Do nothing for a while."""
    await asyncio.sleep(ms / 1e3)
