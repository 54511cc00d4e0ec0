"""In a run the live values stand where the recorded ones did."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from replay.correlation.links import Correlation, Link, Sink, Source
from replay.correlation.substitution import CORRELATED, Substitutions, made_in
from replay.events import After, Kind


def message(index: int, called: str = "type=welcome", connection: str = "c1") -> After:
    return After(Kind.MESSAGE, connection, index, called)


def to(part: str, place: str, recorded: str = "", step: int = 1, connection: str = "c1") -> Sink:
    return Sink(connection, step, part, place, recorded)


def substitutions(source: Source, *sinks: Sink) -> Substitutions:
    return Substitutions(Correlation((Link(source, sinks),)))


WELCOME = Source(message(1), "$.session")
SESSION = to("payload", "$.session", "old")


def filled(live: Substitutions, payload: str, step: int = 1) -> str:
    return b"".join(live.fill_payload("c1", step, [payload.encode()])).decode()


def test_the_live_value_takes_the_place_of_the_recorded_one() -> None:
    live = substitutions(WELCOME, SESSION)
    live.heard(message(1), b'{"type": "welcome", "session": "new"}')
    assert filled(live, '{"a": "old", "session": "old"}') == '{"a": "old", "session": "new"}'
    (made,) = live.made.values()
    assert str(made) == (
        "c1 step 1: $.session is the server's, from $.session of c1 message 1: type=welcome "
        "(old became new)"
    )


def test_a_message_made_ready_twice_counts_once() -> None:
    live = substitutions(WELCOME, SESSION)
    live.heard(message(1), b'{"session": "new"}')
    filled(live, '{"session": "old"}')
    filled(live, '{"session": "old"}')
    assert len(live.made) == 1


@pytest.mark.parametrize(
    ("said", "payload"),
    [
        ('{"session": "old"}', '{"session": "old"}'),
        ('{"other": "new"}', '{"session": "old"}'),
        ('{"session": "new"}', '{"session": "something else"}'),
        ('{"session": "new"}', '{"other": "old"}'),
    ],
)
def test_nothing_is_touched_without_cause(said: str, payload: str) -> None:
    live = substitutions(WELCOME, SESSION)
    live.heard(message(1), said.encode())
    fragments = [payload[:3].encode(), payload[3:].encode()]
    assert live.fill_payload("c1", 1, fragments) == fragments
    assert live.made == {}


def test_binary_stays_as_it_is() -> None:
    live = substitutions(WELCOME, SESSION)
    live.heard(message(1), b"\xff\xfe")
    live.heard(message(1), b'{"session": "new"}')
    assert live.fill_payload("c1", 1, [b"\xff\xfe"]) == [b"\xff\xfe"]


def test_another_message_of_the_kind_is_not_the_source() -> None:
    live = substitutions(Source(message(2), "$.session"), SESSION)
    live.heard(message(1), b'{"session": "first"}')
    assert filled(live, '{"session": "old"}') == '{"session": "old"}'
    live.heard(message(2), b'{"session": "second"}')
    live.heard(message(3), b'{"session": "third"}')
    assert filled(live, '{"session": "old"}') == '{"session": "second"}'


def test_the_latest_of_a_kind_whichever_it_is() -> None:
    live = substitutions(
        Source(message(1, "type=tick"), "$.seq", latest=True), to("payload", "$.n")
    )
    for number in (5, 6):
        live.heard(message(number, "type=tick"), json.dumps({"seq": number}).encode())
        live.heard(message(number, "type=other"), json.dumps({"seq": 99}).encode())
        assert filled(live, '{"n": 1}') == f'{{"n": {number}}}'


def test_the_latest_of_all_kinds_and_the_nth_of_all() -> None:
    latest = substitutions(Source(message(1, ""), "$.seq", latest=True), to("payload", "$.n"))
    second = substitutions(Source(message(2, ""), "$.seq"), to("payload", "$.n"))
    for live in (latest, second):
        live.heard(message(1, "type=a"), b'{"seq": 5}')
        live.heard(message(1, "type=b"), b'{"seq": 6}')
        live.heard(message(1, "type=c"), b'{"seq": 7}')
        live.heard(message(1, "type=d", "c2"), b'{"seq": 8}')
    assert filled(latest, '{"n": 1}') == '{"n": 7}'
    assert filled(second, '{"n": 1}') == '{"n": 6}'


def test_urls_and_headers_of_a_later_connection() -> None:
    live = substitutions(
        WELCOME,
        to("url", "query session", "old", 0, "c2"),
        to("header cookie", "cookie sid", "old", 0, "c2"),
        to("header x-session", "word 1", "old", 0, "c2"),
    )
    live.heard(message(1), b'{"session": "a b"}')
    assert live.fill_url("c2", "ws://h/ws?x=old&session=old") == "ws://h/ws?x=old&session=a%20b"
    headers = (("X-Session", "old"), ("Cookie", "l=old; sid=old"), ("Y", "old"))
    assert live.fill_headers("c2", headers) == (
        ("X-Session", "a b"),
        ("Cookie", "l=old; sid=a b"),
        ("Y", "old"),
    )
    assert live.fill_headers("c1", headers) == headers


def test_a_header_of_the_answer_to_a_handshake() -> None:
    source = Source(After(Kind.OPEN, "c1"), "cookie sid", "set-cookie")
    live = substitutions(source, to("header cookie", "cookie sid", step=0, connection="c2"))
    live.heard_headers("c2", [("Set-Cookie", "sid=wrong")])
    live.heard_headers("c1", [("Set-Cookie", "l=de"), ("set-cookie", "sid=new; Path=/")])
    assert live.fill_headers("c2", (("Cookie", "sid=old"),)) == (("Cookie", "sid=new"),)


def test_a_value_with_a_line_break_makes_no_other_header() -> None:
    live = substitutions(WELCOME, to("header x-session", "word 1", step=0, connection="c2"))
    live.heard(message(1), b'{"session": "a\\r\\nX-Admin: 1"}')
    assert live.fill_headers("c2", (("X-Session", "old"),)) == (("X-Session", "old"),)


def test_secrets_are_learnt_and_not_shown() -> None:
    learnt: list[tuple[str, str]] = []
    secret = "{{deadheat:token:s2}}"
    link = Link(WELCOME, (to("payload", "$.token", secret),))
    live = Substitutions(Correlation((link,)), lambda *each: learnt.append(each))
    live.heard(message(1), b'{"session": "hunter2-hunter2"}')
    assert learnt == [("s2", "hunter2-hunter2")]
    assert filled(live, json.dumps({"token": secret})) == '{"token": "hunter2-hunter2"}'
    (made,) = live.made.values()
    assert "hunter2" not in repr(made)
    assert str(made).endswith("from $.session of c1 message 1: type=welcome")


@given(st.text(max_size=12), st.lists(st.integers(0, 60), max_size=4))
def test_a_message_keeps_its_number_of_fragments(new: str, cuts: list[int]) -> None:
    payload = '{"a": "é", "session": "old", "z": 1}'.encode()
    edges = sorted({min(cut, len(payload)) for cut in cuts})
    bounds = [0, *edges, len(payload)]
    fragments = [payload[a:b] for a, b in pairwise(bounds)]
    live = substitutions(WELCOME, SESSION)
    live.heard(message(1), json.dumps({"session": new}).encode())
    changed = live.fill_payload("c1", 1, fragments)
    assert len(changed) == len(fragments)
    assert json.loads(b"".join(changed)) == {"a": "é", "session": new, "z": 1}


def test_notes_tell_what_was_made() -> None:
    live = substitutions(WELCOME, SESSION)
    live.heard(message(1), b'{"session": "new"}')
    filled(live, '{"session": "old"}')
    notes = [f"{CORRELATED}{made}" for made in live.made.values()]
    assert made_in(["the replay was interrupted", *notes]) == [
        ("c1 step 1: $.session", "$.session of c1 message 1: type=welcome (old became new)")
    ]


def test_a_value_that_the_server_did_not_issue_is_missed() -> None:
    live = substitutions(WELCOME, SESSION)
    live.heard(message(1), b'{"type": "welcome"}')
    assert filled(live, '{"session": "old"}') == '{"session": "old"}'
    assert live.missing == {SESSION: WELCOME}
    live.heard(message(1), b'{"session": "new"}')
    assert filled(live, '{"session": "old"}') == '{"session": "new"}'
    assert live.missing == {}
