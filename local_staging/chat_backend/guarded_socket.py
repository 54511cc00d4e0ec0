"""A WebSocket that can be used in the wrong order by nobody.

What is sent or received while the accept is under way waits for it; before that it is a mistake of
the program and raises; after a failure the socket is closed for all, so that nobody reads on from
it and is told by Starlette to "accept first".
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from starlette.websockets import WebSocket, WebSocketDisconnect

from local_staging.chat_backend.connection_state import ConnectionState, ConnectionStateMachine

ABNORMAL_CLOSURE = 1006
T = TypeVar("T")


class NotAccepted(RuntimeError):
    """A message operation came before accept()."""


class AcceptTimeout(Exception):
    """The server did not get its handshake out in time."""


class GuardedSocket:
    """One connection of a client; coroutines of one event loop may use it side by side."""

    def __init__(
        self, websocket: WebSocket, states: ConnectionStateMachine, accept_timeout_s: float
    ) -> None:
        self.states = states
        self._websocket = websocket
        self._accept_timeout_s = accept_timeout_s
        self._decided = asyncio.Event()

    @property
    def is_closed(self) -> bool:
        """Whether nothing can be sent or received any more."""
        return self.states.state is ConnectionState.CLOSED

    async def accept(self, subprotocol: str | None = None) -> None:
        """Accept, and wait until the server has done it.

        Raises AcceptTimeout, WebSocketDisconnect when the client left meanwhile. Either way the
        socket is closed then, and who waited for the accept is told so.
        """
        self.states.move_to(ConnectionState.ACCEPTING)
        try:
            async with asyncio.timeout(self._accept_timeout_s):
                await self._websocket.accept(subprotocol=subprotocol)
                # Of a client that is just leaving, uvicorn 0.54 accepts without a word, and calls
                # what is sent next a mistake of ours. One turn of the loop later it knows.
                await asyncio.sleep(0)
            self.states.move_to(ConnectionState.ACCEPTED)
        except TimeoutError:
            await self._abandon()
            raise AcceptTimeout(
                f"the handshake was not done within {self._accept_timeout_s:g} s"
            ) from None
        except OSError as error:
            # Starlette makes this of a send to a client that left, but not of an accept.
            raise WebSocketDisconnect(ABNORMAL_CLOSURE) from error
        finally:
            if self.states.state is not ConnectionState.ACCEPTED:
                self.states.close()
            self._decided.set()

    def ready(self) -> None:
        """Take note that both directions work. Raises WebSocketDisconnect when the client left."""
        if self.is_closed:
            raise WebSocketDisconnect(ABNORMAL_CLOSURE)
        self.states.move_to(ConnectionState.READY)

    async def send_json(self, fields: dict[str, Any]) -> None:
        """Send a message. Raises NotAccepted, WebSocketDisconnect."""
        await self._guarded("send", lambda: self._websocket.send_json(fields))

    async def receive_text(self) -> str:
        """Return the next message. Raises NotAccepted, WebSocketDisconnect, KeyError if binary."""
        return await self._guarded("receive", self._websocket.receive_text)

    async def close(self, code: int, reason: str) -> None:
        """Close it, unless it is closed; before the accept that is HTTP 403."""
        if self.states.close():
            self._decided.set()
            await self._websocket.close(code, reason)

    async def _guarded(self, what: str, operation: Callable[[], Awaitable[T]]) -> T:
        if self.states.state is ConnectionState.CONNECTING:
            raise NotAccepted(f"{what} before accept(): the connection is still connecting")
        await self._decided.wait()
        if self.is_closed:
            raise WebSocketDisconnect(ABNORMAL_CLOSURE)
        try:
            return await operation()
        except WebSocketDisconnect:
            self.states.close()
            raise

    async def _abandon(self) -> None:
        try:
            await self._websocket.close(1013, "the handshake took too long")
        except (OSError, RuntimeError):
            # The server has nothing left to close; that is what was wanted.
            return
