"""One WebSocket connection: the handshake, the receive loop and the delivery, side by side.

The loop starts before the handshake is done, so that the first message of a client is read the
moment it may be. Until then it waits for the event that the build names.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable
from dataclasses import dataclass

import httpx
from starlette.responses import JSONResponse
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from local_staging.chat_backend import messages
from local_staging.chat_backend.authentication import Authenticator, Credentials
from local_staging.chat_backend.bidirectional import BidirectionalHandshake
from local_staging.chat_backend.builds import Build, Socket
from local_staging.chat_backend.message_handler import MessageHandlerService
from local_staging.chat_backend.reading import TooManyUnread
from local_staging.chat_backend.sessions import Session

# A Close frame has no room for more than 123 bytes.
MOST_REASON = 100
NORMAL_CLOSURE, POLICY_VIOLATION, TRY_AGAIN_LATER = 1000, 1008, 1013

_log = logging.getLogger(__name__)


class _Over(Exception):
    """The connection was ended by this side; ends what goes on beside."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A client that has come: its WebSocket, its end as the build sees it, and its token."""

    websocket: WebSocket
    socket: Socket
    credentials: Credentials


class Connection:
    """One connection of a session; `accepted` tells whether its handshake succeeded."""

    def __init__(
        self,
        arrival: Arrival,
        session: Session,
        authenticator: Authenticator,
        build: Build,
        *,
        is_warm: bool = True,
        has_arrived: Callable[[], None] = lambda: None,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.accepted = arrival.credentials.in_first_message
        self._websocket = arrival.websocket
        self._socket = arrival.socket
        self._session = session
        self._credentials = arrival.credentials
        self._authenticator = authenticator
        self._build = build
        self._is_warm = is_warm
        self._has_arrived = has_arrived
        self._handshake_complete = build.handshake_complete(session)
        self._both_ways = BidirectionalHandshake()
        self._delivery = build.delivery(session.undelivered, self._socket)

    async def serve(self) -> None:
        """Serve the client until it leaves."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._shake_hands())
                tasks.create_task(self._receive_messages())
                tasks.create_task(self._deliver())
        except* WebSocketDisconnect:
            _log.info("client left connection=%s user=%s", self.id, self._session.user_id)
        except* _Over:
            pass
        finally:
            self._delivery.end()
            if self.accepted:
                self._session.forget(self.id)

    async def _shake_hands(self) -> None:
        try:
            is_active = await self._authenticator.is_active(self._credentials)
        except httpx.HTTPError as error:
            _log.error("connection refused connection=%s: %r", self.id, error)
            await unavailable(self._websocket, "the auth service is away")
            raise _Over from error
        if not is_active:
            await refuse(self._websocket, "the token is no longer active")
            raise _Over
        if not self.accepted:
            await self._socket.accept(subprotocol=self._credentials.subprotocol)
            self.accepted = True
        await self._respond()
        self._has_arrived()
        _log.info("connection ready connection=%s user=%s", self.id, self._session.user_id)
        self._handshake_complete.set()
        if self._build.waits_for_the_client:
            await self._both_ways.complete()
            self._socket.ready()
            await self._session.storage.state.opened(self.id)

    async def _respond(self) -> None:
        response = messages.connection_ready(self.id, self._session.user_id)
        if self._build.waits_for_the_client:
            await self._socket.send_json(response)
            self._both_ways.sent()
            return
        # Written down as ready before anything was said, and so whatever becomes of it. It takes a
        # round trip to where it is kept, in which the client may go.
        await self._session.storage.state.opened(self.id)
        try:
            await self._socket.send_json(response)
        except (WebSocketDisconnect, RuntimeError) as error:
            _log.warning("Failed to send connection response connection=%s: %s", self.id, error)
        self._both_ways.sent()
        # Nobody was heard. It was enough to have spoken.
        self._both_ways.heard()
        self._socket.ready()

    async def _deliver(self) -> None:
        await self._both_ways.complete()
        await self._delivery.run()

    async def _receive_messages(self) -> None:
        await self._handshake_complete.wait()
        # Before a message is answered, and not before the handshake is: that waits for nobody.
        await self._session.restore()
        handler = self._build.message_handler(
            self._session.agent, self._session.storage.transcript, self, self._is_warm
        )
        try:
            await self._build.read(
                self._receive, lambda text: self._answer(handler, text), self._session.begin
            )
        except TooManyUnread as error:
            await self._websocket.close(TRY_AGAIN_LATER, str(error))
            raise _Over from error
        except WebSocketDisconnect as left:
            if left.code == NORMAL_CLOSURE:
                self._delivery.goodbye()
            raise

    async def _receive(self) -> str:
        while True:
            try:
                text = await self._socket.receive_text()
            except KeyError:
                # This is how Starlette says that the message was binary.
                await self._delivery.reply(
                    messages.error("bad_message", "expected text, not binary")
                )
                continue
            self._both_ways.heard()
            received = messages.received_in(text)
            # The first of them is the connection response, which is not the delivery's.
            self._delivery.confirm(None if received is None else received - 1)
            return text

    async def _answer(self, handler: MessageHandlerService, text: str) -> None:
        answered = handler.handle(text, self.id, self._delivery.reply, self._delivery.publish)
        await self._session.work(answered)


async def refuse(websocket: WebSocket, reason: str) -> None:
    """Close with 1008; before the accept the client sees HTTP 403."""
    _log.info("connection refused: %s", reason)
    try:
        await websocket.close(POLICY_VIOLATION, reason[:MOST_REASON])
    except OSError:
        _log.info("the client had left before it could be refused")


async def unavailable(websocket: WebSocket, reason: str) -> None:
    """Answer the upgrade with HTTP 503, or close with 1013 if it was accepted."""
    try:
        if websocket.application_state is not WebSocketState.CONNECTING:
            await websocket.close(TRY_AGAIN_LATER, reason[:MOST_REASON])
            return
        await websocket.send_denial_response(JSONResponse({"error": reason}, status_code=503))
    except OSError:
        _log.info("the client had left before it could be told")
