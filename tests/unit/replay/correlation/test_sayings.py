"""A recording read as a conversation."""

from replay.correlation.places import Written
from replay.correlation.sayings import Stream, all_said, sayings, text_of, written_in
from replay.events import After, Kind
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
TALK = capture_of(
    C1.request(0, "ws://h/ws?room=r1", (("Host", "h"), ("Cookie", "sid=a1"))),
    C1.response(1, headers=(("Date", "today"), ("Set-Cookie", "sid=b2; Path=/"))),
    C1.said(2, {"type": "hello", "id": 1}),
    C1.said(3, {"type": "tick"}),
    C1.sent(4, {"type": "ask"}),
    C1.said(5, {"type": "hello", "id": 2}),
    C1.sent(6, b"\xff"),
    C1.left(9),
)


def test_all_is_said_in_its_order() -> None:
    said = [
        (each.part, each.is_from_server, each.step, each.called, each.nth, each.index)
        for each in sayings(TALK)
    ]
    assert said == [
        ("url", False, 0, "", 0, 0),
        ("header cookie", False, 0, "", 0, 0),
        ("header set-cookie", True, 0, "", 0, 0),
        ("payload", True, 0, "type=hello", 1, 1),
        ("payload", True, 0, "type=tick", 1, 2),
        ("payload", False, 1, "type=ask", 1, 1),
        ("payload", True, 0, "type=hello", 2, 3),
        ("payload", False, 2, "binary", 1, 2),
    ]


def test_what_the_server_said_is_an_event() -> None:
    events = [each.event for each in sayings(TALK) if each.is_from_server]
    assert events[0] == After(Kind.OPEN, "c1")
    assert events[-1] == After(Kind.MESSAGE, "c1", 2, "type=hello")


def test_values_know_the_stream_that_they_are_of() -> None:
    ids = [each for each in all_said(TALK) if each.value.name == "id"]
    assert [each.text for each in ids] == ["1", "2"]
    assert {each.stream for each in ids} == {Stream("c1", "payload", "type=hello", "$.id")}
    assert ids[0].stream.of_any_kind == Stream("c1", "payload", "", "$.id")
    assert ids[0].order < ids[1].order


def test_a_refused_handshake_issues_nothing() -> None:
    refused = capture_of(C1.request(0), C1.response(1, 401, headers=(("Set-Cookie", "a=b1"),)))
    assert not any(each.is_from_server for each in sayings(refused))


def test_cookies_are_read_as_cookies() -> None:
    assert [written_in(part) for part in ("payload", "url", "header cookie", "header x-id")] == [
        Written.MESSAGE,
        Written.URL,
        Written.COOKIES,
        Written.HEADER,
    ]


def test_binary_is_no_text() -> None:
    assert text_of("é".encode()) == "é"
    assert text_of(b"\xff") is None
