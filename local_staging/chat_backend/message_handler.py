"""What is done about the messages of a client. There is one way to make this service."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from local_staging.chat_backend import messages
from local_staging.chat_backend.agent import AgentEvent, Emit
from local_staging.chat_backend.messages import (
    Acknowledge,
    BadMessage,
    Chat,
    ClientMessage,
    Feedback,
    History,
    Ping,
)
from local_staging.chat_backend.model_client import ModelError
from local_staging.chat_backend.transcript import Entry

HISTORY_LENGTH = 20
Reply = Callable[[dict[str, Any]], Awaitable[None]]

_log = logging.getLogger(__name__)


class Supervisor(Protocol):
    """Runs the agent of a user."""

    def knows(self, run_id: str) -> bool:
        """Whether there was such a run."""

    async def run(self, text: str, emit: Emit) -> None:
        """Answer a message, with events through `emit`."""


class ThreadService(Protocol):
    """Keeps what was said in the conversation of a user."""

    async def recent(self, count: int) -> tuple[Entry, ...]:
        """Return the last `count` messages, oldest first."""


class MessageHandlerService:
    """Answers the messages of one connection.

    Raises TypeError when it is given anything else than a supervisor and a thread service, by name,
    so that all who make one make it alike.
    """

    def __init__(self, *, supervisor: Supervisor, thread_service: ThreadService) -> None:
        for name, value, method in (
            ("supervisor", supervisor, "run"),
            ("thread_service", thread_service, "recent"),
        ):
            if not callable(getattr(value, method, None)):
                raise TypeError(
                    f"MessageHandlerService needs a {name} with {method}(), not {value!r}"
                )
        self._supervisor = supervisor
        self._thread_service = thread_service

    async def handle(self, text: str, connection_id: str, reply: Reply, publish: Reply) -> None:
        """Answer one message: through `reply` to this connection, events through `publish`."""
        try:
            await self._handle(messages.client_message(text), connection_id, reply, publish)
        except BadMessage as error:
            await reply(messages.error(error.code, str(error)))
        except ModelError as error:
            _log.error("run failed connection=%s %s", connection_id, error)
            await reply(messages.error("model_unavailable", "the agent could not answer"))
        except Exception:
            _log.exception("message failed connection=%s", connection_id)
            await reply(messages.error("internal", "the message could not be answered"))

    async def _handle(
        self, message: ClientMessage, connection_id: str, reply: Reply, publish: Reply
    ) -> None:
        match message:
            case Chat(text=said, connection_id=named):
                if named not in (None, connection_id):
                    raise BadMessage("wrong_connection", "that is not this connection's id")

                async def emit(event: AgentEvent) -> None:
                    await publish(messages.agent_event(event))

                await self._supervisor.run(said, emit)
            case Feedback(run_id=run_id):
                if not self._supervisor.knows(run_id):
                    raise BadMessage("unknown_run", "there was no such run in this session")
                await reply(messages.feedback_received(run_id))
            case Ping():
                await reply(messages.pong())
            case History():
                latest = await self._thread_service.recent(HISTORY_LENGTH)
                await reply(messages.history(latest))
            case Acknowledge():
                pass
