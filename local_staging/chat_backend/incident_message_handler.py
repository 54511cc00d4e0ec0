"""MessageHandlerService as it was in the incident, with the two ways in which it was made."""

from __future__ import annotations

from typing import Any

from local_staging.chat_backend import message_handler
from local_staging.chat_backend.message_handler import Supervisor, ThreadService


class MessageHandlerService(message_handler.MessageHandlerService):
    """Answers the messages of one connection."""

    def __init__(self, supervisor: Supervisor, thread_service: ThreadService) -> None:
        super().__init__(supervisor=supervisor, thread_service=thread_service)


def made_by_the_factory(
    supervisor: Supervisor, thread_service: ThreadService
) -> message_handler.MessageHandlerService:
    """Make the service as the factory does, once the backend is warm."""
    return MessageHandlerService(supervisor, thread_service)


def made_at_the_endpoint(
    supervisor: Supervisor, thread_service: ThreadService, websocket_manager: object
) -> message_handler.MessageHandlerService:
    """Make the service as the endpoint does by itself, as long as there is no factory yet.

    It was written for a signature that the service no longer has. Raises TypeError.
    """
    given: dict[str, Any] = {"websocket_manager": websocket_manager}
    return MessageHandlerService(supervisor, thread_service, **given)
