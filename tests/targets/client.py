"""The clients whose sessions are recorded: they speak JSON and wait for what they expect."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

PATIENCE_S = 5.0

__all__ = ["connect", "expect", "pause", "say"]


async def say(connection: ClientConnection, **fields: object) -> None:
    """Send one JSON message."""
    await connection.send(json.dumps(fields))


async def expect(connection: ClientConnection, kind: str) -> dict[str, Any]:
    """Return the next message of a type; what comes before it is nobody's concern."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message: dict[str, Any] = json.loads(await connection.recv())
            if message["type"] == kind:
                return message


async def pause(ms: float) -> None:
    """Let a person think."""
    await asyncio.sleep(ms / 1e3)
