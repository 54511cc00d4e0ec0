"""The server's end of an ASGI connection, without a network: what it was told, and what it says."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from starlette.websockets import WebSocket

from local_staging.chat_backend.connection_state import ConnectionStateMachine
from local_staging.chat_backend.guarded_socket import GuardedSocket
from local_staging.clock import monotonic_ns

HELLO = {"type": "websocket.receive", "text": "hello"}
CHAT = {"type": "websocket.receive", "text": '{"type": "chat", "text": "hello"}'}
LEFT = {"type": "websocket.disconnect", "code": 1000}


class Server:
    """Hands out what a client sent, then that it left.

    Every send after the first `sends_until_left` fails, as with uvicorn. The accept takes until
    `accepts_after` is set. The client leaves once it was told a message of the type `leaves_after`.
    """

    def __init__(
        self,
        *incoming: dict[str, Any],
        sends_until_left: int = 1_000,
        accepts_after: asyncio.Event | None = None,
        leaves_after: str = "",
    ) -> None:
        self.sent: list[Any] = []
        self.asked_to_accept = asyncio.Event()
        self._incoming = [{"type": "websocket.connect"}, *incoming]
        self._sends_until_left = sends_until_left
        self._accepts_after = accepts_after
        self._leaves_after = leaves_after
        self._leaves = asyncio.Event()
        if not leaves_after:
            self._leaves.set()
        scope: dict[str, Any] = {"type": "websocket", "headers": [], "subprotocols": []}
        self.websocket = WebSocket(scope, self._receive, self._send)

    @property
    def texts(self) -> list[str]:
        """The types of the messages that reached the client."""
        sent = (message for message in self.sent if message["type"] == "websocket.send")
        return [json.loads(message["text"])["type"] for message in sent]

    async def _receive(self) -> dict[str, Any]:
        if self._incoming:
            return self._incoming.pop(0)
        await self._leaves.wait()
        return LEFT

    async def _send(self, message: Any) -> None:  # noqa: ANN401 - ASGI leaves it open
        if message["type"] == "websocket.accept":
            self.asked_to_accept.set()
            if self._accepts_after is not None:
                await self._accepts_after.wait()
        if len(self.sent) >= self._sends_until_left:
            raise OSError("the client left")
        self.sent.append(message)
        if self._leaves_after and self._leaves_after in message.get("text", ""):
            self._leaves.set()


def guarded(server: Server, accept_timeout_s: float = 10.0) -> GuardedSocket:
    """Return the client of a server, guarded."""
    return GuardedSocket(server.websocket, ConnectionStateMachine(monotonic_ns), accept_timeout_s)
