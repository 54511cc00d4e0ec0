"""A WebSocket as Starlette gives it, with no more order than the caller keeps."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

ABNORMAL_CLOSURE = 1006


class UnguardedSocket:
    """One connection of a client."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket

    async def accept(self, subprotocol: str | None = None) -> None:
        """Accept. Raises WebSocketDisconnect when the client left."""
        try:
            await self._websocket.accept(subprotocol=subprotocol)
        except OSError as error:
            raise WebSocketDisconnect(ABNORMAL_CLOSURE) from error
        await asyncio.sleep(0)

    def ready(self) -> None:
        """Nothing depends on it."""

    async def send_json(self, fields: dict[str, Any]) -> None:
        """Send a message. Raises what Starlette raises."""
        await self._websocket.send_json(fields)

    async def receive_text(self) -> str:
        """Return the next message. Raises what Starlette raises."""
        return await self._websocket.receive_text()
