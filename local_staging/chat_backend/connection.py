"""One WebSocket connection: the handshake and the receive loop, side by side.

The loop starts before the handshake is done, so that the first message of a client is read the
moment it may be. Until then it waits for the event that the build names.
"""

from __future__ import annotations

import asyncio
import logging
import uuid
from typing import Any

from starlette.websockets import WebSocket, WebSocketDisconnect

from local_staging.chat_backend import messages
from local_staging.chat_backend.agent import AgentEvent
from local_staging.chat_backend.authentication import Authenticator, Credentials
from local_staging.chat_backend.messages import BadMessage, Chat, Feedback, History, Ping
from local_staging.chat_backend.sessions import Session

HISTORY_LENGTH = 20
POLICY_VIOLATION = 1008

_log = logging.getLogger(__name__)


class _Refused(Exception):
    """The client was told that it may not come in; ends the receive loop beside the handshake."""


class Connection:
    """One connection of a session; `accepted` tells whether its handshake succeeded."""

    def __init__(
        self,
        websocket: WebSocket,
        session: Session,
        credentials: Credentials,
        authenticator: Authenticator,
        handshake_complete: asyncio.Event,
    ) -> None:
        self.id = str(uuid.uuid4())
        self.accepted = False
        self._websocket = websocket
        self._session = session
        self._credentials = credentials
        self._authenticator = authenticator
        self._handshake_complete = handshake_complete

    async def serve(self) -> None:
        """Serve the client until it leaves."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._shake_hands())
                tasks.create_task(self._receive_messages())
        except* WebSocketDisconnect:
            _log.info("client left connection=%s user=%s", self.id, self._session.user_id)
        except* _Refused:
            pass

    async def _shake_hands(self) -> None:
        if not await self._authenticator.is_active(self._credentials):
            await refuse(self._websocket, "the token is no longer active")
            raise _Refused
        await self._accept()
        await self._send(messages.connection_ready(self.id, self._session.user_id))
        _log.info("connection ready connection=%s user=%s", self.id, self._session.user_id)
        self._handshake_complete.set()

    async def _accept(self) -> None:
        try:
            await self._websocket.accept(subprotocol=self._credentials.subprotocol)
        except OSError as error:
            # Starlette makes this of a send to a client that left, but not of an accept.
            raise WebSocketDisconnect(code=1006) from error
        # Of a client that is just leaving, uvicorn 0.54 accepts without a word, and calls what is
        # sent next a mistake of ours. One turn of the loop later it knows that the client left.
        await asyncio.sleep(0)
        self.accepted = True

    async def _receive_messages(self) -> None:
        await self._handshake_complete.wait()
        while True:
            try:
                text = await self._websocket.receive_text()
            except KeyError:
                # This is how Starlette says that the message was binary.
                await self._send(messages.error("bad_message", "expected text, not binary"))
                continue
            await self._answer(text)

    async def _answer(self, text: str) -> None:
        try:
            match messages.client_message(text):
                case Chat(text=said, connection_id=connection_id):
                    if connection_id not in (None, self.id):
                        raise BadMessage("wrong_connection", "that is not this connection's id")
                    await self._session.agent.run(said, self._send_event)
                case Feedback(run_id=run_id):
                    if run_id not in self._session.agent.run_ids:
                        raise BadMessage("unknown_run", "there was no such run in this session")
                    await self._send(messages.feedback_received(run_id))
                case Ping():
                    await self._send(messages.pong())
                case History():
                    latest = self._session.transcript.recent(HISTORY_LENGTH)
                    await self._send(messages.history(latest))
        except BadMessage as error:
            await self._send(messages.error(error.code, str(error)))
        except WebSocketDisconnect:
            raise
        except Exception:
            _log.exception("message failed connection=%s", self.id)
            await self._send(messages.error("internal", "the message could not be answered"))

    async def _send_event(self, event: AgentEvent) -> None:
        await self._send(messages.agent_event(event))

    async def _send(self, fields: dict[str, Any]) -> None:
        await self._websocket.send_json(fields)


async def refuse(websocket: WebSocket, reason: str) -> None:
    """Close before accepting, which the client sees as HTTP 403."""
    _log.info("connection refused: %s", reason)
    try:
        await websocket.close(POLICY_VIOLATION, reason)
    except OSError:
        _log.info("the client had left before it could be refused")
