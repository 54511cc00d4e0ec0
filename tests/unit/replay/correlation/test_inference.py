"""What a client sent back is told from what was its own, and from chance."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.format.model import Capture, Secret, Vantage
from replay.correlation import Correlation, correlate
from tests.unit.replay.captures import Connection, Events, capture_of

C1, C2 = Connection("c1"), Connection("c2")


def links(capture: Capture, *runs: Capture) -> list[str]:
    """Every sink with its source, as people read them."""
    return sorted(f"{sink} <- {source}" for source, sink in correlate(capture, runs))


def talk(*said: tuple[str, Any], name: str = "c1") -> list[Events]:
    """A connection on which the server (<) and the client (>) speak in turns."""
    connection = Connection(name)
    events: list[Events] = [connection.opened(0)]
    for number, (side, payload) in enumerate(said, start=1):
        speak = connection.said if side == "<" else connection.sent
        events.append(speak(10 * number, payload))
    return [*events, connection.left(10 * len(said) + 20)]


def session(session_id: str, *, sent: str = "", seq: int = 1) -> Capture:
    return capture_of(
        talk(
            ("<", {"type": "welcome", "session": session_id, "server": "build-2024.11"}),
            (">", {"type": "ask", "session": sent or session_id, "by": "build-2024.11"}),
            ("<", {"type": "answer", "seq": seq}),
            (">", {"type": "ack", "ack": seq}),
        )
    )


def run_of(capture: Capture) -> Capture:
    header = type(capture.header)
    fields = {name: getattr(capture.header, name) for name in header.__struct_fields__}
    return Capture(header=header(**fields | {"vantage": Vantage.CLIENT}), events=capture.events)


def test_an_id_that_the_server_said_first() -> None:
    assert "c1 step 1: $.session <- $.session of c1 message 1: type=welcome" in links(
        session("s-81f3")
    )


def test_what_the_client_said_first_is_its_own() -> None:
    assert (
        links(
            capture_of(
                talk(
                    (">", {"type": "ask", "id": "req-4711"}),
                    ("<", {"type": "answer", "id": "req-4711"}),
                    (">", {"type": "cancel", "id": "req-4711"}),
                )
            )
        )
        == []
    )


def test_words_are_vocabulary() -> None:
    assert (
        links(
            capture_of(
                talk(
                    ("<", {"type": "message", "text": "hello there", "room": "lobby"}),
                    (">", {"type": "message", "text": "hello there", "room": "lobby"}),
                )
            )
        )
        == []
    )


def test_a_later_connection_by_its_url_headers_and_first_message() -> None:
    capture = capture_of(
        C1.opened(0),
        C1.said(5, {"type": "welcome", "session": "s-81f3c2"}),
        C2.request(
            20,
            "ws://h/rooms/s-81f3c2?session=s-81f3c2",
            (("Host", "h"), ("X-Session", "s-81f3c2"), ("Sec-WebSocket-Protocol", "v1, s-81f3c2")),
        ),
        C2.response(21),
        C2.sent(25, "RESUME s-81f3c2"),
        C2.left(40),
        C1.left(60),
    )
    source = "$.session of c1 message 1: type=welcome"
    assert links(capture) == [
        f"c2 step 0 header sec-websocket-protocol: word 2 <- {source}",
        f"c2 step 0 header x-session: word 1 <- {source}",
        f"c2 step 0 url: path 2 <- {source}",
        f"c2 step 0 url: query session <- {source}",
        f"c2 step 1: word 2 <- {source}",
    ]


def test_a_cookie_that_the_handshake_set() -> None:
    secret = Secret(id="s1", kind="cookie", where="cookie sid")
    value = "{{deadheat:cookie:s1}}"
    capture = capture_of(
        C1.request(0),
        C1.response(1, headers=(("Set-Cookie", f"sid={value}; Path=/"),), secrets=(secret,)),
        C1.left(10),
        C2.request(20, headers=(("Cookie", f"theme=x; sid={value}"),), secrets=(secret,)),
        C2.response(21),
        C2.left(30),
    )
    assert links(capture) == [
        "c2 step 0 header cookie: cookie sid <- cookie sid of set-cookie in the handshake of c1"
    ]
    assert correlate(capture).issued() == {"s1"}


def test_json_in_a_string_of_json() -> None:
    capture = capture_of(
        talk(
            ("<", {"type": "event", "body": json.dumps({"id": "evt-77aa1"})}),
            (">", {"type": "ack", "of": json.dumps({"event": "evt-77aa1"})}),
        )
    )
    assert links(capture) == [
        "c1 step 1: $.of > $.event <- $.body > $.id of c1 message 1: type=event"
    ]


def test_of_values_within_one_another_the_outermost() -> None:
    capture = capture_of(
        talk(("<", {"type": "ready", "room": "room:a7:9f33e1"}), (">", "JOIN room:a7:9f33e1"))
    )
    assert links(capture) == ["c1 step 1: word 2 <- $.room of c1 message 1: type=ready"]


def test_the_first_place_where_it_was_said() -> None:
    chunks = [("<", {"type": "chunk", "run": "run-4f21aa"}) for _ in range(4)]
    capture = capture_of(talk(*chunks, (">", {"type": "stop", "run": "run-4f21aa"})))
    assert links(capture) == ["c1 step 1: $.run <- $.run of c1 message 1: type=chunk"]


def test_each_message_acknowledged_is_the_nth_of_its_kind() -> None:
    said = [
        each
        for number in (1, 2, 3)
        for each in (
            ("<", {"type": "item", "id": f"m-{number}f31c"}),
            (">", {"type": "ack", "id": f"m-{number}f31c"}),
        )
    ]
    assert links(capture_of(talk(*said))) == [
        f"c1 step {n}: $.id <- $.id of c1 message {n}: type=item" for n in (1, 2, 3)
    ]


def test_where_the_server_said_more_than_was_used_the_latest_counts() -> None:
    said: list[tuple[str, Any]] = []
    for number in range(9):
        said.append(("<", {"type": "tick", "cursor": f"c-{number}77f1"}))
        if number % 3 == 2:
            said.append((">", {"type": "page", "after": f"c-{number}77f1"}))
    assert links(capture_of(talk(*said))) == [
        f"c1 step {n}: $.after <- $.cursor of the latest type=tick on c1" for n in (1, 2, 3)
    ]


def test_a_sequence_number_over_all_kinds() -> None:
    said: list[tuple[str, Any]] = []
    for seq in range(20, 26):
        said.append(("<", {"type": "a" if seq % 2 else "b", "seq": seq}))
        if seq in (21, 22, 25):
            said.append((">", {"type": "ack", "last_seq": seq}))
    assert set(links(capture_of(talk(*said)))) == {
        f"c1 step {n}: $.last_seq <- $.seq of the latest message on c1" for n in (1, 2, 3)
    }


def test_numbers_that_the_client_counts_itself() -> None:
    said = [
        each
        for n in range(1, 5)
        for each in (("<", {"type": "prompt", "n": n}), (">", {"type": "say", "n": n}))
    ]
    assert links(capture_of(talk(*said))) == []


def test_json_rpc_ids_are_those_of_who_asks() -> None:
    said = [
        each
        for n in (7, 8, 9)
        for each in (
            (">", {"method": "get", "id": n}),
            ("<", {"result": n * 2, "id": n}),
        )
    ]
    assert links(capture_of(talk(*said))) == []


def test_a_short_id_needs_a_name() -> None:
    named = talk(
        ("<", {"type": "hi", "session": "abc"}), (">", {"type": "go", "session_id": "abc"})
    )
    unnamed = talk(("<", {"type": "hi", "mood": "abc"}), (">", {"type": "go", "text": "abc"}))
    assert links(capture_of(named)) == [
        "c1 step 1: $.session_id <- $.session of c1 message 1: type=hi"
    ]
    assert links(capture_of(unnamed)) == []


def test_words_of_a_text_protocol() -> None:
    capture = capture_of(
        talk(("<", "SESSION abc"), ("<", "SEQ=41"), (">", "RESUME SESSION=abc ACK=41"))
    )
    assert links(capture) == [
        "c1 step 1: word 3 <- word 2 of c1 message 1",
        "c1 step 1: word 5 <- word 2 of c1 message 1: SEQ=#",
    ]


def test_another_recording_drops_a_coincidence() -> None:
    assert any("$.session" in link for link in links(session("s-81f3"), session("s-99e2")))
    other = session("s-99e2", sent="s-00aa")
    assert not any("$.session" in link for link in links(session("s-81f3"), other))


def test_what_is_the_same_every_time_is_left_out() -> None:
    alone = links(session("s-81f3", seq=5))
    compared = links(session("s-81f3", seq=5), session("s-99e2", seq=8))
    assert any("$.by" in link for link in alone)
    assert not any("$.by" in link for link in compared)
    assert [link.partition(" <-")[0] for link in compared] == [
        "c1 step 1: $.session",
        "c1 step 2: $.ack",
    ]


def test_a_run_says_what_varies_and_nothing_about_the_client() -> None:
    run = run_of(session("s-99e2", sent="s-81f3"))
    compared = links(session("s-81f3"), run)
    assert any("$.session" in link for link in compared)
    assert not any("$.by" in link for link in compared)


def test_recordings_speak_for_values_without_a_name() -> None:
    def played(value: int) -> Capture:
        return capture_of(talk(("<", {"type": "q", "a": value}), (">", {"type": "r", "b": value})))

    assert links(played(12)) == []
    assert links(played(12), played(47), played(80)) == [
        "c1 step 1: $.b <- $.a of c1 message 1: type=q"
    ]


def test_another_recording_shows_a_better_source() -> None:
    def played(first: str, second: str) -> Capture:
        users = [{"id": first}, {"id": second}]
        return capture_of(
            talk(
                ("<", {"type": "users", "users": users}),
                ("<", {"type": "you", "id": "u-1111"}),
                (">", {"type": "iam", "id": "u-1111"}),
            )
        )

    recorded, other = played("u-1111", "u-2222"), played("u-2222", "u-3333")
    assert links(recorded) == ["c1 step 1: $.id <- $.users[0].id of c1 message 1: type=users"]
    assert links(recorded, other) == []
    varied = capture_of(
        talk(
            ("<", {"type": "users", "users": [{"id": "u-2222"}]}),
            ("<", {"type": "you", "id": "u-5555"}),
            (">", {"type": "iam", "id": "u-5555"}),
        )
    )
    assert links(recorded, varied) == ["c1 step 1: $.id <- $.id of c1 message 1: type=you"]


def test_nothing_to_correlate() -> None:
    capture = capture_of(talk((">", {"n": 40}), ("<", "got 9"), (">", {"n": 41}), ("<", "got 9")))
    assert correlate(capture) == Correlation()


@given(
    st.lists(
        st.tuples(
            st.sampled_from("<>"),
            st.dictionaries(st.sampled_from("ab"), st.sampled_from(["x-1234", "y-5678", 3, 4000])),
        )
    )
)
def test_a_value_always_comes_before_its_use(said: list[tuple[str, Any]]) -> None:
    capture = capture_of(talk(*said))
    steps = [index for index, (side, _) in enumerate(said) if side == ">"]
    heard = [index for index, (side, _) in enumerate(said) if side == "<"]
    for source, sink in correlate(capture):
        assert heard[source.event.index - 1] < steps[sink.step - 1] or source.event.called
        assert sink.recorded in json.dumps(said[steps[sink.step - 1]][1])


@pytest.mark.parametrize("size", [2_000])
def test_long_recordings_take_no_long(size: int) -> None:
    said = [
        each
        for n in range(size)
        for each in (
            ("<", {"seq": n + 100, "id": f"m-{n}f"}),
            (">", {"ack": n + 100, "id": f"m-{n}f"}),
        )
    ]
    assert len(links(capture_of(talk(*said)))) == 2 * size


def test_another_recording_drops_small_numbers_too() -> None:
    def played(seq: int, ack: int) -> Capture:
        return capture_of(talk(("<", {"type": "q", "seq": seq}), (">", {"type": "r", "ack": ack})))

    assert links(played(12, 12)) == ["c1 step 1: $.ack <- $.seq of c1 message 1: type=q"]
    assert links(played(12, 12), played(30, 31)) == []
