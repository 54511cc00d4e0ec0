"""What a client may say, and how an answer looks on the wire."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from local_staging.chat_backend.agent import AgentEvent
from local_staging.chat_backend.transcript import Entry
from local_staging.clock import utc_text

LONGEST_TEXT, LONGEST_SHOWN = 4_000, 80


class BadMessage(Exception):
    """A message that cannot be understood; `code` is for programs, the text for people."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


@dataclass(frozen=True, slots=True)
class Chat:
    """The user says something to the agent, on this connection if it is named."""

    text: str
    connection_id: str | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """The user says whether an answer helped; `run_id` is that of the answer."""

    run_id: str
    helpful: bool


@dataclass(frozen=True, slots=True)
class Ping:
    """The client asks whether the server is there."""


@dataclass(frozen=True, slots=True)
class History:
    """The client asks for the latest messages of its user."""


@dataclass(frozen=True, slots=True)
class Acknowledge:
    """The client has the connection response, and all that came before this."""


ClientMessage = Chat | Feedback | Ping | History | Acknowledge


def client_message(text: str) -> ClientMessage:
    """Read a message of a client. Raises BadMessage."""
    try:
        fields = json.loads(text)
        # An escape may say half a character, which nothing takes that writes text down.
        json.dumps(fields, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise BadMessage("bad_json", "expected a JSON object") from None
    if not isinstance(fields, dict):
        raise BadMessage("bad_json", "expected a JSON object")
    match fields.get("type"):
        case "chat":
            return _chat(fields)
        case "feedback":
            return _feedback(fields)
        case "ping":
            return Ping()
        case "history":
            return History()
        case "connection_ack":
            return Acknowledge()
        case other:
            raise BadMessage(
                "unknown_type",
                "expected chat, feedback, ping, history or connection_ack, "
                f"not {str(other)[:LONGEST_SHOWN]!r}",
            )


def is_ping(text: str) -> bool:
    """Whether a message only asks whether the server is there."""
    try:
        return isinstance(client_message(text), Ping)
    except BadMessage:
        return False


def received_in(text: str) -> int | None:
    """Return how many messages of this connection the client had read, if it says so.

    Any message may say so: `"received": 7`.
    """
    if '"received"' not in text:
        return None
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        return None
    received = fields.get("received") if isinstance(fields, dict) else None
    # True is an int, too.
    return received if isinstance(received, int) and not isinstance(received, bool) else None


def _chat(fields: dict[str, Any]) -> Chat:
    text = fields.get("text")
    if not isinstance(text, str) or not text.strip():
        raise BadMessage("bad_chat", "expected a text that is not empty")
    if len(text) > LONGEST_TEXT:
        raise BadMessage(
            "text_too_long", f"the text has {len(text)} characters, expected up to {LONGEST_TEXT}"
        )
    connection_id = fields.get("connection_id")
    if connection_id is not None and not isinstance(connection_id, str):
        raise BadMessage("bad_chat", "expected a connection_id that is a text")
    return Chat(text, connection_id)


def _feedback(fields: dict[str, Any]) -> Feedback:
    match fields:
        case {"run_id": str(run_id), "helpful": bool(helpful)}:
            return Feedback(run_id, helpful)
    raise BadMessage("bad_feedback", "expected a run_id and helpful, true or false")


def connection_ready(connection_id: str, user_id: str) -> dict[str, Any]:
    """Tell the client that it may begin."""
    return {
        "type": "connection_ready",
        "connection_id": connection_id,
        "user_id": user_id,
        "timestamp": utc_text(),
    }


def agent_event(event: AgentEvent) -> dict[str, Any]:
    """Tell the client of a step of the agent."""
    return {
        "type": event.type,
        "run_id": event.run_id,
        "sequence": event.sequence,
        "timestamp": utc_text(),
        **event.fields,
    }


def feedback_received(run_id: str) -> dict[str, Any]:
    """Thank for a feedback."""
    return {"type": "feedback_received", "run_id": run_id, "timestamp": utc_text()}


def pong() -> dict[str, Any]:
    """Answer a ping."""
    return {"type": "pong", "timestamp": utc_text()}


def history(entries: tuple[Entry, ...]) -> dict[str, Any]:
    """Answer with the latest messages."""
    return {
        "type": "history",
        "messages": [{"role": entry.role, "text": entry.text} for entry in entries],
    }


def error(code: str, text: str) -> dict[str, Any]:
    """Tell the client that a message of its own came to nothing."""
    return {"type": "error", "code": code, "message": text}
