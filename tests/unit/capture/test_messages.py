"""Fragments become messages, counted per connection and direction."""

from itertools import count
from typing import Any

from capture.format.model import Direction, Event, Frame, Gap, Note
from capture.messages import messages
from tests.unit.capture.format.test_model import frame

ticks = count(100)


def at(**changes: Any) -> Frame:  # noqa: ANN401  any field of a frame
    now = next(ticks)
    return frame(**({"at_ns": now, "first_byte_at_ns": now - 50} | changes))


def test_joins_fragments_past_a_ping() -> None:
    parts: list[Event] = [
        at(fin=False, data=b"\xc3"),
        at(opcode="ping", data=b"?"),
        at(opcode="continuation", data=b"\xa9"),
    ]
    (message,) = messages(parts)
    assert (message.text, message.payload, message.is_text) == ("é", "é".encode(), True)
    assert message.begun_at_ns == parts[0].first_byte_at_ns  # type: ignore[union-attr]
    assert message.at_ns == parts[2].at_ns


def test_counts_per_connection_and_direction() -> None:
    back = Direction.SERVER_TO_CLIENT
    events = [
        at(text="a"),
        at(text="b"),
        at(text="c", direction=back),
        at(text="d", connection="c2"),
    ]
    assert [(each.text, each.index) for each in messages(events)] == [
        ("a", 1),
        ("b", 2),
        ("c", 1),
        ("d", 1),
    ]


def test_passes_over_what_is_no_data_or_is_invalid_or_unfinished() -> None:
    events: list[Event] = [
        Note(at_ns=1, text="x"),
        at(opcode="close"),
        at(text="bad", invalid="reserved bits must be 0"),
        at(text="unfinished", fin=False),
    ]
    assert [*messages(events)] == []


def test_text_that_is_no_utf_8_is_shown_with_replacements() -> None:
    (message,) = messages([at(data=b"a\xff", opcode="binary")])
    assert (message.text, message.is_text) == ("a\N{REPLACEMENT CHARACTER}", False)


def test_does_not_join_fragments_across_a_gap() -> None:
    gap = Gap(
        at_ns=2,
        connection="c1",
        direction=Direction.CLIENT_TO_SERVER,
        missing_bytes=9,
    )
    events: list[Event] = [
        at(text="lost", fin=False),
        gap,
        at(text="whole"),
    ]
    assert [message.text for message in messages(events)] == ["whole"]
