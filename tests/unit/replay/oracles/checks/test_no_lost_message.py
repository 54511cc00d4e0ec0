from capture.format.model import Capture, Direction, Gap, Side
from tests.unit.replay.captures import MS, Connection, Events, capture_of
from tests.unit.replay.oracles.checks.judging import details, outcome, verdict

C1, C2 = Connection("c1"), Connection("c2")


def talk(*events: Events, left_ms: float = 900) -> Capture:
    return capture_of(C1.opened(0), *events, C1.left(left_ms))


def asked(at_ms: float, key: object) -> Events:
    return C1.sent(at_ms, {"type": "chat", "id": key})


def answered(at_ms: float, key: object) -> Events:
    return C1.said(at_ms, {"type": "answer", "id": key})


def test_every_message_has_its_reply() -> None:
    run = talk(asked(10, 1), answered(20, 1), asked(30, 2), answered(35, "2"))
    found = outcome("no_lost_message:by=$.id", run)
    assert (found.verdict, found.detail) == ("pass", "2 of 2 messages answered")


def test_a_lost_one_is_named_with_place_and_time() -> None:
    run = talk(asked(10, 1), asked(30, 2), answered(35, 2))
    found = outcome("no_lost_message:by=$.id", run)
    (symptom,) = found.judgement.symptoms
    assert symptom.detail == (
        "c1: message 1 of the client (type=chat) at 10.0 ms with $.id=1 got no reply"
    )
    assert (symptom.kind, symptom.connection, symptom.at_ns) == ("missing", "c1", 10 * MS)
    assert symptom.check == "no_lost_message:by=$.id"


def test_replies_are_counted_where_nothing_names_them() -> None:
    ticks = [C1.said(5, {"type": "tick"}), C1.said(40, {"type": "tick"})]
    run = talk(asked(10, 1), answered(20, 1), asked(30, 2), *ticks)
    assert verdict("no_lost_message", run) == "pass"
    assert details("no_lost_message:reply=answer", run) == [
        "c1: message 2 of the client (type=chat) at 30.0 ms got no reply"
    ]


def test_a_reply_before_its_message_is_none() -> None:
    assert verdict("no_lost_message:by=$.id", talk(answered(5, 1), asked(10, 1))) == "fail"


def test_one_reply_is_not_two() -> None:
    run = talk(asked(10, 1), asked(20, 1), answered(30, 1))
    assert [text[:31] for text in details("no_lost_message:by=$.id", run)] == [
        "c1: message 2 of the client (ty"
    ]


def test_a_reply_to_another_connection_is_none() -> None:
    reply = C2.said(20, {"type": "answer", "id": 1})
    run = talk(asked(10, 1), C2.opened(0), reply, C2.left(900))
    assert verdict("no_lost_message:by=$.id", run) == "fail"


def test_the_reply_may_have_the_key_in_another_field() -> None:
    run = talk(asked(10, 1), C1.said(20, {"type": "ack", "of": 1}))
    assert verdict("no_lost_message:by=$.id,echoed=$.of", run) == "pass"
    assert verdict("no_lost_message:by=$.id", run) == "fail"


def test_a_late_reply_is_late_and_not_lost() -> None:
    run = talk(asked(10, 1), answered(210, 1))
    assert verdict("no_lost_message:by=$.id,within=200ms", run) == "pass"
    found = outcome("no_lost_message:by=$.id,within=199ms", run)
    assert found.judgement.symptoms[0].kind == "timeout"
    assert "got its reply after 200.0 ms, not within 199.0 ms" in found.detail


def test_who_left_early_is_owed_less() -> None:
    early = talk(asked(10, 1), answered(20, 1), asked(800, 2))
    found = outcome("no_lost_message:by=$.id", early)
    assert found.verdict == "pass"
    assert found.detail == "1 of 2 messages answered, 1 not owed as the client left"
    late = talk(asked(10, 1), answered(20, 1), asked(700, 2))
    assert verdict("no_lost_message:by=$.id", late) == "fail"


def test_a_slow_server_gets_as_long_as_it_took() -> None:
    # 300 ms for the first: a second that was asked 700 ms before the end may still have come.
    run = talk(asked(10, 1), answered(310, 1), asked(200, 2))
    assert verdict("no_lost_message:by=$.id", run) == "pass"


def test_nothing_is_owed_to_who_left_at_once() -> None:
    assert verdict("no_lost_message:by=$.id", talk(asked(10, 1), left_ms=20)) == "unknown"


def test_what_the_server_had_not_answered_when_it_ended_is_lost() -> None:
    run = capture_of(C1.opened(0), asked(10, 1), C1.dismissed(20))
    assert verdict("no_lost_message:by=$.id", run) == "fail"


def test_what_was_sent_after_the_servers_end_is_not() -> None:
    closed = C1.close_frame(20, Side.SERVER)
    run = capture_of(C1.opened(0), asked(5, 1), answered(6, 1), closed, asked(30, 2))
    assert verdict("no_lost_message:by=$.id", run) == "pass"


def test_where_nothing_matches_nothing_is_known() -> None:
    run = talk(asked(10, 1), answered(20, 1))
    assert outcome("no_lost_message:of=ping", run).detail == "no message of a client matches ping"
    found = outcome("no_lost_message:by=$.key", run)
    assert found.verdict == "unknown"
    assert found.detail == "no message of a client that matches all has $.key"


def test_what_the_recorder_lost_is_not_laid_to_the_server() -> None:
    gap = Gap(at_ns=15 * MS, connection="c1", direction=Direction.SERVER_TO_CLIENT, missing_bytes=9)
    assert verdict("no_lost_message:by=$.id", talk(asked(10, 1), gap)) == "unknown"
