"""A message is called by its own name, and alike from session to session."""

import pytest

from capture.message_kind import LONGEST_KEPT, kind_of


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ('{"type": "ack", "id": 7}', "type=ack"),
        ('{"id": 7, "event": "tick"}', "event=tick"),
        ('{"id": 7, "v": 1}', "with id,v"),
        ('{"type": 3, "id": 7}', "with id,type"),
        ('42["chat", {"text": "hi"}]', "42[chat]"),
        ('["joined", 1]', "[joined]"),
        ("[1, 2]", "list"),
        ("17", "int"),
        ("ack 17 of 3fa85f64-5717-4562-b3fc-2c963f66afa6", "ack # of #"),
        ("SESSION k3Jx9_qZ", "SESSION #"),
        ("SESSION zQ9_wwwww", "SESSION #"),
        ("SESSION hQxWaLkPvzRt", "SESSION #"),
        ("EVENT sessionStarted now", "EVENT sessionStarted now"),
        ("SESSION {{deadheat:token:s2}} ok", "SESSION # ok"),
        ("CONNECTED session:zQ9_wwwww user=bob", "CONNECTED session:# user=bob"),
        ("utf8stuff is a name", "utf#stuff is a name"),
        ("two\nlines", "two lines"),
        ("", "empty"),
    ],
)
def test_names_a_text_message(text: str, kind: str) -> None:
    assert kind_of(text.encode(), is_text=True) == kind


def test_ids_and_numbers_do_not_make_another_kind() -> None:
    kinds = {kind_of(f'{{"type": "room {n}", "n": {n}}}'.encode(), is_text=True) for n in range(9)}
    assert kinds == {"type=room #"}


def test_binary_messages_are_one_kind() -> None:
    assert kind_of(b'{"type": "ack"}', is_text=False) == "binary"


def test_deeply_nested_json_is_no_trouble() -> None:
    assert kind_of(b"[" * 100_000, is_text=True)


def test_a_kind_fits_a_line() -> None:
    kind = kind_of(("x" * 500 + "\n" + "y" * 500).encode(), is_text=True)
    assert len(kind) <= 48
    assert "\n" not in kind


def test_a_message_that_is_too_long_to_be_kept_has_the_same_kind() -> None:
    short = b'{"type": "ack", "n": 1}'
    long = short[:-1] + b', "more": "' + b"x" * LONGEST_KEPT + b'"}'
    assert kind_of(short, is_text=True) == kind_of(long, is_text=True) == "type=ack"
