import json

import pytest

from capture.messages import messages
from replay.causality import echoed
from tests.unit.replay.captures import Connection

C1 = Connection("c1")


def needs_of(*said_and_sent: tuple[str, object]) -> dict[int, tuple[int, ...]]:
    """Messages in turn, ("<-", what the server says) or ("->", what the client sends)."""
    frames = [
        C1.said(at_ms, payload) if arrow == "<-" else C1.sent(at_ms, payload)
        for at_ms, (arrow, payload) in enumerate(said_and_sent)
    ]
    return dict(echoed(list(messages(frames))))


@pytest.mark.parametrize(
    "value", ["room-42x", "7d9f0c", 123_456, -1_000, "2f1c9a04-5d0e-4f5e-8b1c-0b6f7b0a7e11"]
)
def test_a_value_of_the_server_that_comes_back_is_needed(value: object) -> None:
    assert needs_of(("<-", {"id": value}), ("->", {"ref": [value]})) == {1: (1,)}


@pytest.mark.parametrize("value", ["completed", "a1", 999, 1, True, None, 1.5])
def test_vocabulary_and_small_numbers_prove_nothing(value: object) -> None:
    assert needs_of(("<-", {"id": value}), ("->", {"ref": value})) == {1: ()}


def test_order_alone_proves_nothing() -> None:
    assert needs_of(("<-", {"id": "room-42x"}), ("->", {"hello": "you-7777"})) == {1: ()}


def test_a_value_that_the_client_said_first_is_its_own() -> None:
    said = needs_of(("->", {"id": "mine-001"}), ("<-", {"ack": "mine-001"}), ("->", ["mine-001"]))
    assert said == {1: (), 2: ()}


def test_the_first_message_with_the_value_is_the_one() -> None:
    said = needs_of(("<-", ["room-42x"]), ("<-", ["room-42x", "user-900"]), ("->", ["user-900"]))
    assert said == {1: (2,)}


def test_several_messages_may_be_needed() -> None:
    said = needs_of(("<-", ["room-42x"]), ("<-", ["user-900"]), ("->", ["user-900", "room-42x"]))
    assert said == {1: (1, 2)}


def test_text_that_is_no_json_is_read_by_words() -> None:
    assert needs_of(("<-", "session=abc-123 ok"), ("->", "RESUME abc-123")) == {1: (1,)}


def test_binary_messages_are_passed_over() -> None:
    assert needs_of(("<-", b"room-42x"), ("->", b"room-42x")) == {1: ()}


def test_deep_json_is_no_reason_to_fail() -> None:
    deep = "[" * 100_000 + "]" * 100_000
    nested: object = "room-42x"
    for _ in range(400):
        nested = [nested]
    assert needs_of(("<-", deep), ("<-", json.dumps(nested)), ("->", ["room-42x"])) == {1: (2,)}
