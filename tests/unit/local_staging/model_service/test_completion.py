from __future__ import annotations

import json
from typing import Any

import pytest

from local_staging.model_service.choice import ToolCall
from local_staging.model_service.completion import (
    MODEL,
    Asked,
    BadRequest,
    asked_in,
    chunks,
    completion_of,
    whole,
)

USER = {"role": "user", "content": "What is 6 * 7?"}
CALCULATOR = {"type": "function", "function": {"name": "calculator"}}


def asked(*messages: dict[str, Any], tools: bool = True) -> Asked:
    return Asked(messages, frozenset({"calculator"} if tools else ()), is_streamed=True)


def body(**fields: object) -> bytes:
    return json.dumps({"model": MODEL, "messages": [USER], **fields}).encode()


def test_a_request() -> None:
    assert asked_in(body(stream=True, tools=[CALCULATOR])) == Asked(
        [USER], frozenset({"calculator"}), is_streamed=True
    )
    assert asked_in(body(tools=[CALCULATOR], tool_choice="none")).tools == frozenset()
    assert not asked_in(body()).is_streamed


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"{", "JSON object with model and messages"),
        (body(messages=[]), "JSON object with model and messages"),
        (body(messages=["hi"]), "objects with a role"),
        (body(model="other"), "no model 'other', expected 'staging-rules-1'"),
        (body(tools=[{"type": "retrieval"}]), "tools that are functions"),
    ],
)
def test_a_bad_request(said: bytes, reason: str) -> None:
    with pytest.raises(BadRequest, match=reason):
        asked_in(said)


def test_the_same_to_the_same() -> None:
    first, again = completion_of(asked(USER)), completion_of(asked(USER))
    other = completion_of(asked({"role": "user", "content": "8 * 7"}))
    assert first == again
    assert first.id != other.id
    assert first.said == ToolCall("calculator", {"expression": "6 * 7"})


def test_what_a_tool_gave_becomes_an_answer() -> None:
    used = whole(completion_of(asked(USER)), 0)["choices"][0]["message"]
    call_id = used["tool_calls"][0]["id"]
    gave = {"role": "tool", "tool_call_id": call_id, "content": "42"}
    assert completion_of(asked(USER, used, gave)).said == "The calculator says: 42."
    with pytest.raises(BadRequest, match="no message before has the tool call 'other'"):
        completion_of(asked(USER, used, {**gave, "tool_call_id": "other"}))


def test_without_tools_it_only_speaks() -> None:
    parts = [{"type": "text", "text": "hello"}, {"type": "text", "text": "there"}]
    assert completion_of(asked(USER, tools=False)).said == "You said: What is 6 * 7?"
    spoken = completion_of(asked({"role": "user", "content": parts}, tools=False))
    assert spoken.said == "You said: hello there"
    with pytest.raises(BadRequest, match="a content that is text"):
        completion_of(asked({"role": "user", "content": None}))


def test_pieces_of_a_tool_call_make_the_whole() -> None:
    completion = completion_of(asked(USER))
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks(completion, 7)]
    call = whole(completion, 7)["choices"][0]["message"]["tool_calls"][0]
    parts = [part for delta in deltas for part in delta.get("tool_calls", ())]
    assert (parts[0]["id"], parts[0]["function"]["name"]) == (call["id"], "calculator")
    joined = "".join(part["function"]["arguments"] for part in parts)
    assert joined == call["function"]["arguments"]
    assert len(parts) > 3


def test_pieces_of_an_answer_make_the_whole() -> None:
    completion = completion_of(asked(USER, tools=False))
    pieces = list(chunks(completion, 7))
    text = "".join(piece["choices"][0]["delta"].get("content", "") for piece in pieces)
    assert text == whole(completion, 7)["choices"][0]["message"]["content"] == completion.said
    assert [piece["choices"][0]["finish_reason"] for piece in pieces[-2:]] == [None, "stop"]
    assert {(piece["id"], piece["object"], piece["created"]) for piece in pieces} == {
        (completion.id, "chat.completion.chunk", 7)
    }
