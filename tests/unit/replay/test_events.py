"""Events are written as people read them, and read back."""

import pytest

from replay.errors import PlanError
from replay.events import START, After, Kind

WRITTEN = {
    "start": START,
    "c1 open": After(Kind.OPEN, "c1"),
    "c1 closed": After(Kind.CLOSED, "c1"),
    "c1~2 step 4": After(Kind.STEP, "c1~2", 4),
    "c1 message 3": After(Kind.MESSAGE, "c1", 3),
    "c1 message 3: type=ack: done": After(Kind.MESSAGE, "c1", 3, "type=ack: done"),
}


@pytest.mark.parametrize("text", WRITTEN)
def test_what_is_written_reads_back(text: str) -> None:
    assert After.parse(text) == WRITTEN[text]
    assert str(WRITTEN[text]) == text


@pytest.mark.parametrize("text", ["", "noon", "c1", "c1 message", "c1 step x", "c1 open 3"])
def test_what_is_no_event_is_explained(text: str) -> None:
    with pytest.raises(PlanError, match="expected start, c1 open, c1 message 3"):
        After.parse(text)


def test_events_have_an_order() -> None:
    assert sorted(WRITTEN.values())


def test_an_event_of_another_connection_or_number_is_the_same_otherwise() -> None:
    event = After(Kind.MESSAGE, "c1", 3, "type=ack")
    assert event.on("c2") == After(Kind.MESSAGE, "c2", 3, "type=ack")
    assert event.numbered(0) == After(Kind.MESSAGE, "c1", 0, "type=ack")


def test_events_that_are_equal_are_found_by_one_another() -> None:
    assert {After(Kind.STEP, "c1", 2): "it"}[After.parse("c1 step 2")] == "it"
