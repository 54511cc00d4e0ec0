from capture.format.model import Capture
from tests.unit.replay.captures import MS, Connection, Events, capture_of
from tests.unit.replay.oracles.checks.judging import outcome, verdict

C1, C2 = Connection("c1"), Connection("c2")


def said(at_ms: float, key: object, kind: str = "ack", connection: Connection = C1) -> Events:
    return connection.said(at_ms, {"type": kind, "id": key})


def talk(*events: Events) -> Capture:
    return capture_of(C1.opened(0), *events, C1.left(900))


def test_each_once() -> None:
    found = outcome("exactly_once:$.id", talk(said(5, 1), said(6, 2)))
    assert (found.verdict, found.detail) == ("pass", "2 values of $.id seen, each once")


def test_what_came_again_is_named_with_both_messages() -> None:
    found = outcome("exactly_once:$.id", talk(said(5, 1), said(6, 2), said(7, 1), said(8, 1)))
    (symptom,) = found.judgement.symptoms
    assert symptom.detail == (
        "$.id=1 came 3 times: c1 message 1 of the server (type=ack) at 5.0 ms and "
        "c1 message 4 of the server (type=ack) at 8.0 ms"
    )
    assert (symptom.kind, symptom.connection, symptom.at_ns) == ("extra", "c1", 8 * MS)


def test_messages_of_two_kinds_may_share_a_value() -> None:
    run = talk(said(5, 1, "started"), said(6, 1, "done"))
    assert verdict("exactly_once:$.id", run) == "pass"


def test_another_connection_may_get_it_too_unless_the_whole_run_counts() -> None:
    run = talk(said(5, 1), C2.opened(0), said(6, 1, connection=C2))
    assert verdict("exactly_once:$.id", run) == "pass"
    assert verdict("exactly_once:$.id,across=yes", run) == "fail"


def test_only_the_messages_that_were_named_count() -> None:
    run = talk(said(5, 1), said(6, 1), said(7, 2, "done"))
    assert verdict("exactly_once:$.id,of=done", run) == "pass"


def test_several_values_in_one_message_are_no_repetition() -> None:
    run = talk(C1.said(5, {"ids": [1, 1, 2]}))
    assert verdict("exactly_once:$.ids[*]", run) == "pass"


def test_what_was_asked_for_has_to_come() -> None:
    asked = [C1.sent(10, {"key": 1}), C1.sent(11, {"key": 2})]
    assert verdict("exactly_once:$.id,asked=$.key", talk(asked, said(20, 1), said(21, 2))) == "pass"
    found = outcome("exactly_once:$.id,asked=$.key", talk(asked, said(20, 1)))
    assert [symptom.kind for symptom in found.judgement.symptoms] == ["missing"]
    assert "$.key=2 got no reply" in found.detail
    assert verdict("exactly_once:$.id,asked=$.nothing", talk(asked, said(20, 1))) == "unknown"


def test_where_nothing_has_the_field_nothing_is_known() -> None:
    found = outcome("exactly_once:$.key,of=ack", talk(said(5, 1)))
    assert found.verdict == "unknown"
    assert found.detail == "no message of the server that matches ack has $.key"
