"""Ids are told from words, and names of the same thing from others."""

import pytest

from replay.correlation.likeness import (
    acknowledges,
    are_kin,
    identifies,
    is_count,
    is_short,
    is_specific,
)


@pytest.mark.parametrize(
    "text",
    [
        "3fa85f64-5717-4562-b3fc-2c963f66afa6",
        "evt-9f3c21",
        "hQxWaLkPvzRt",
        "{{deadheat:token:s1}}",
        "1000",
        "-48211",
    ],
)
def test_ids_are_specific(text: str) -> None:
    assert is_specific(text)
    assert not is_short(text)


@pytest.mark.parametrize(
    "text", ["message", "agent_completed", "connection-ready", "999", "0", "a1"]
)
def test_words_and_small_numbers_are_not(text: str) -> None:
    assert not is_specific(text)


def test_a_text_with_spaces_is_no_value() -> None:
    assert not is_specific("question 12 of 24")
    assert not is_short("two words")


def test_counts_are_whole_numbers() -> None:
    assert [text for text in ("7", "-3", "7.5", "seven", "") if is_count(text)] == ["7", "-3"]


def test_names_that_identify() -> None:
    names = ["session", "sessionId", "last_seq", "ACK", "X-Request-Id", "text", "type", "video"]
    assert [name for name in names if identifies(name)] == names[:5]


def test_names_that_acknowledge() -> None:
    names = ["ack", "lastEventId", "since", "in_reply_to", "ref", "seq", "id", "text"]
    assert [name for name in names if acknowledges(name)] == names[:5]


@pytest.mark.parametrize(
    ("one", "other"), [("session", "session_id"), ("seq", "lastSeq"), ("event_id", "id")]
)
def test_names_of_the_same_thing(one: str, other: str) -> None:
    assert are_kin(one, other)
    assert are_kin(other, one)


@pytest.mark.parametrize(("one", "other"), [("user_id", "room_id"), ("text", "text"), ("", "id")])
def test_names_of_different_things(one: str, other: str) -> None:
    assert not are_kin(one, other)
