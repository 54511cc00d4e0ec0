"""What is asked of the model, what it says, and how that looks on the wire (OpenAI's chat API)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_staging.model_service.choice import ToolCall, chosen_tool

MODEL = "staging-rules-1"
PIECE_CHARACTERS = 6


class BadRequest(Exception):
    """The request cannot be answered; the text says why."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A conversation, the tools that may be used, and whether the answer is to be streamed."""

    messages: Sequence[Mapping[str, Any]]
    tools: frozenset[str]
    is_streamed: bool


@dataclass(frozen=True, slots=True)
class Completion:
    """What the model says: text, or that a tool be used. `id` and `call_id` follow from it."""

    id: str
    said: str | ToolCall

    @property
    def call_id(self) -> str:
        """The id of the tool's use."""
        return self.id.replace("chatcmpl-", "call_")

    @property
    def finish_reason(self) -> str:
        """Why it ended."""
        return "stop" if isinstance(self.said, str) else "tool_calls"


def asked_in(body: bytes) -> Asked:
    """Read a request. Raises BadRequest."""
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError):
        fields = None
    match fields:
        case {"model": str(model), "messages": [_, *_] as messages}:
            pass
        case _:
            raise BadRequest("expected a JSON object with model and messages")
    if model != MODEL:
        raise BadRequest(f"there is no model {model!r}, expected {MODEL!r}")
    if not all(isinstance(each, dict) and "role" in each for each in messages):
        raise BadRequest("expected messages that are objects with a role")
    may_use_tools = fields.get("tool_choice") != "none"
    tools = _names_of(fields.get("tools") or ()) if may_use_tools else frozenset()
    return Asked(messages, tools, fields.get("stream") is True)


def completion_of(asked: Asked) -> Completion:
    """Return what the model says: the same to the same."""
    known = json.dumps([asked.messages, sorted(asked.tools)], sort_keys=True)
    digest = hashlib.sha256(known.encode()).hexdigest()
    return Completion(f"chatcmpl-{digest[:24]}", _said(asked))


def whole(completion: Completion, created_s: int) -> dict[str, Any]:
    """Return the answer in one piece."""
    message: dict[str, Any] = {"role": "assistant", "content": None}
    if isinstance(completion.said, str):
        message["content"] = completion.said
    else:
        message["tool_calls"] = [_call(completion, completion.said, _arguments(completion.said))]
    choice = {"index": 0, "message": message, "finish_reason": completion.finish_reason}
    return _answer(completion, "chat.completion", created_s, choice)


def chunks(completion: Completion, created_s: int) -> Iterator[dict[str, Any]]:
    """Yield the answer in pieces, as it is streamed."""

    def chunk(delta: Mapping[str, Any], finish_reason: str | None = None) -> dict[str, Any]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
        return _answer(completion, "chat.completion.chunk", created_s, choice)

    if isinstance(completion.said, str):
        yield chunk({"role": "assistant", "content": ""})
        for piece in _pieces(completion.said):
            yield chunk({"content": piece})
    else:
        call = {"index": 0, **_call(completion, completion.said, "")}
        yield chunk({"role": "assistant", "content": None, "tool_calls": [call]})
        for piece in _pieces(_arguments(completion.said)):
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": piece}}]})
    yield chunk({}, completion.finish_reason)


def _said(asked: Asked) -> str | ToolCall:
    last = asked.messages[-1]
    if last["role"] == "tool":
        return f"The {_used_tool(asked.messages)} says: {last.get('content')}."
    text = _text_of(last)
    call = chosen_tool(text)
    return call if call.name in asked.tools else f"You said: {text}"


def _used_tool(messages: Sequence[Mapping[str, Any]]) -> str:
    """Return the tool that gave the last message."""
    call_id = messages[-1].get("tool_call_id")
    for message in reversed(messages):
        for call in message.get("tool_calls") or ():
            match call:
                case {"id": str(known), "function": {"name": str(name)}} if known == call_id:
                    return name.replace("_", " ")
    raise BadRequest(f"no message before has the tool call {call_id!r}")


def _text_of(message: Mapping[str, Any]) -> str:
    match message.get("content"):
        case str(text):
            return text
        case list(parts):
            return " ".join(part.get("text", "") for part in parts if isinstance(part, dict))
    raise BadRequest("expected a content that is text")


def _names_of(tools: Sequence[Any]) -> frozenset[str]:
    names = set()
    for tool in tools:
        match tool:
            case {"type": "function", "function": {"name": str(name)}}:
                names.add(name)
            case _:
                raise BadRequest("expected tools that are functions with a name")
    return frozenset(names)


def _call(completion: Completion, call: ToolCall, arguments: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": arguments}
    return {"id": completion.call_id, "type": "function", "function": function}


def _arguments(call: ToolCall) -> str:
    return json.dumps(call.arguments)


def _pieces(text: str) -> Iterator[str]:
    for start in range(0, len(text), PIECE_CHARACTERS):
        yield text[start : start + PIECE_CHARACTERS]


def _answer(
    completion: Completion, kind: str, created_s: int, choice: Mapping[str, Any]
) -> dict[str, Any]:
    return {
        "id": completion.id,
        "object": kind,
        "created": created_s,
        "model": MODEL,
        "choices": [choice],
    }
