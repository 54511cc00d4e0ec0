from __future__ import annotations

import pytest

from local_staging.chat_backend.agent import AgentEvent
from local_staging.chat_backend.messages import (
    LONGEST_TEXT,
    BadMessage,
    Chat,
    Feedback,
    History,
    Ping,
    agent_event,
    client_message,
    is_ping,
    received_in,
)


def test_reads_what_a_client_may_say() -> None:
    assert client_message('{"type": "chat", "text": "hello"}') == Chat("hello")
    named = '{"type": "chat", "text": "hello", "connection_id": "c"}'
    assert client_message(named) == Chat("hello", "c")
    feedback = '{"type": "feedback", "run_id": "r", "helpful": false}'
    assert client_message(feedback) == Feedback("r", helpful=False)
    assert client_message('{"type": "ping"}') == Ping()
    assert client_message('{"type": "history"}') == History()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad_json"),
        ("{", "bad_json"),
        ("[]", "bad_json"),
        ("[" * 100_000, "bad_json"),
        ("{}", "unknown_type"),
        ('{"type": "dance"}', "unknown_type"),
        ('{"type": "chat"}', "bad_chat"),
        ('{"type": "chat", "text": 1}', "bad_chat"),
        ('{"type": "chat", "text": "hi", "connection_id": 1}', "bad_chat"),
        ('{"type": "feedback", "run_id": "r"}', "bad_feedback"),
        ('{"type": "chat", "text": " "}', "bad_chat"),
        ('{"type": "chat", "text": "' + "x" * (LONGEST_TEXT + 1) + '"}', "text_too_long"),
    ],
)
def test_refuses_the_rest(text: str, code: str) -> None:
    with pytest.raises(BadMessage) as caught:
        client_message(text)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("text", "is_one"), [('{"type": "ping"}', True), ('{"type": "chat"}', False), ("ping", False)]
)
def test_a_ping(text: str, is_one: bool) -> None:
    assert is_ping(text) is is_one


def test_agent_event_is_flat() -> None:
    fields = agent_event(AgentEvent("agent_completed", "r1", 5, {"answer": "42"}))
    assert fields.pop("timestamp").endswith("Z")
    assert fields == {"type": "agent_completed", "run_id": "r1", "sequence": 5, "answer": "42"}


@pytest.mark.parametrize(
    ("text", "received"),
    [
        ('{"type": "ping", "received": 7}', 7),
        ('{"type": "ping"}', None),
        ('{"type": "ping", "received": true}', None),
        ('{"type": "ping", "received": "7"}', None),
        ('["received"]', None),
        ('"received', None),
    ],
)
def test_a_client_may_say_how_much_it_has_read(text: str, received: int | None) -> None:
    assert received_in(text) == received


def test_half_a_character_is_no_text() -> None:
    with pytest.raises(BadMessage) as refused:
        client_message('{"type": "chat", "text": "x\\ud800y"}')
    assert refused.value.code == "bad_json"


def test_what_is_not_known_is_not_repeated_at_length() -> None:
    with pytest.raises(BadMessage) as refused:
        client_message('{"type": "' + "x" * 300_000 + '"}')
    assert len(str(refused.value)) < 200
