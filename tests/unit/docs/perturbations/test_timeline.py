import json
from dataclasses import replace

import pytest

from capture.format.model import CloseHow, Direction, Note, Side
from docs.perturbations.timeline import MOMENT, Mark, Timeline, Unread, timeline
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")
BEGAN_NS = 5_000 * MS
TEXT = Mark("c1", "client", "text", 20.0, step=1)
SEEN = Timeline((TEXT, Mark("c1", "server", "text", 50.0, called="type=ack")))


def answer(sent_ms: float) -> dict[str, object]:
    return {"type": "ack", "sent_at_ns": BEGAN_NS + round(sent_ms * MS)}


def test_the_marks_of_a_run_are_what_each_side_did() -> None:
    run = capture_of(
        C1.request(4, connected_ms=1),
        C1.response(6),
        C1.sent(20, {"type": "ask"}, step=1),
        C1.said(50, answer(50)),
        C1.frame(60, Direction.SERVER_TO_CLIENT, b"?", opcode="ping"),
        C1.left(80, step=2),
    )
    assert [(m.side, m.kind, m.at_ms, m.step) for m in timeline(run, BEGAN_NS).marks] == [
        ("client", "open", 4.0, 0),
        ("server", "accepted", 6.0, None),
        ("client", "text", 20.0, 1),
        ("server", "text", 50.0, None),
        ("server", "ping", 60.0, None),
        ("client", "close", 80.0, 2),
        ("server", "close", 81.0, None),
        ("server", "TCP close", 82.0, None),
        ("client", "TCP close", 82.0, None),
    ]


def test_what_takes_a_while_has_its_begin() -> None:
    run = capture_of(
        C1.request(4, connected_ms=1),
        C1.sent(30, "slow", step=1, first_byte_at_ns=20 * MS),
        C1.said(90, answer(40)),
        C1.said(92, answer(91)),
    )
    marks = timeline(run, BEGAN_NS).marks
    assert [mark.from_ms for mark in marks] == [1.0, 20.0, 40.0, None]
    assert [mark.begins_ms for mark in marks] == [1.0, 20.0, 40.0, 92.0]


def test_a_refusal_and_a_reset_are_seen() -> None:
    run = capture_of(C1.response(2, 403), C1.tcp_close(5, Side.CLIENT, CloseHow.RESET, step=1))
    marks = timeline(run, BEGAN_NS).marks
    assert [(m.kind, m.step) for m in marks] == [("refused", None), ("TCP close", 1)]


def test_what_happens_around_the_connections_is_a_moment_of_all() -> None:
    said = (
        "the restart command runs",
        "the restart command ended with status 0",
        "store: latency:delay_ms=40,direction=both is on",
        "store: the fault is lifted",
    )
    notes = [Note(at_ns=at_ms * MS, text=text) for at_ms, text in enumerate(said)]
    marks = timeline(capture_of(notes), BEGAN_NS).marks
    assert {mark.kind for mark in marks} == {MOMENT}
    assert [(mark.at_ms, mark.called) for mark in marks] == [
        (0.0, "the restart command runs"),
        (2.0, "store: latency"),
        (3.0, "store: the fault is lifted"),
    ]


def test_a_while_without_reading_may_last_to_the_end() -> None:
    stops, reads = "the client stopped reading", "the client reads again"
    notes = [
        Note(at_ns=at_ms * MS, text=text, connection="c1")
        for at_ms, text in ((10, stops), (30, reads), (50, stops))
    ]
    run = capture_of(notes, C1.tcp_close(70, Side.SERVER))
    assert timeline(run, BEGAN_NS).unread == (Unread("c1", 10.0, 30.0), Unread("c1", 50.0, 70.0))


def test_a_file_holds_all_of_it_a_line_a_mark() -> None:
    seen = Timeline(
        (TEXT, Mark("", "server", MOMENT, 9.5, called="all")), (Unread("c1", 1.0, 2.0),)
    )
    text = seen.to_json()
    assert Timeline.from_json(text) == seen
    assert len(text.splitlines()) == 7
    assert json.loads(text)["marks"][0] == {
        "connection": "c1",
        "side": "client",
        "kind": "text",
        "at_ms": 20.0,
        "step": 1,
    }


def test_only_steps_of_the_client_have_a_place() -> None:
    assert TEXT.place == ("c1", 1)
    assert [mark.place for mark in SEEN.marks] == [("c1", 1), None]


def test_a_run_agrees_with_one_that_is_a_little_later() -> None:
    later = Timeline(tuple(replace(mark, at_ms=mark.at_ms + 9) for mark in SEEN.marks))
    assert SEEN.departures(later, 10) == []
    assert SEEN.departures(later, 8) == [
        "c1 client text 1 : at 20.0 here, at 29.0 there",
        "c1 server text -1 type=ack: at 50.0 here, at 59.0 there",
    ]


@pytest.mark.parametrize(
    "other",
    [
        Timeline(SEEN.marks[:1]),
        Timeline((*SEEN.marks, SEEN.marks[1])),
        Timeline((replace(TEXT, step=2), SEEN.marks[1])),
        Timeline((replace(TEXT, from_ms=1.0), SEEN.marks[1])),
        Timeline((TEXT, replace(SEEN.marks[1], called="type=no"))),
        Timeline(SEEN.marks, (Unread("c1", 1.0, 2.0),)),
    ],
)
def test_what_is_more_less_or_another_thing_departs(other: Timeline) -> None:
    assert SEEN.departures(other, 10)
    assert other.departures(SEEN, 10)
