from capture.format.model import Side
from tests.unit.replay.captures import MS, Connection, capture_of
from tests.unit.replay.oracles.checks.judging import outcome, verdict

C1, C2 = Connection("c1"), Connection("c2")


def test_soon_enough() -> None:
    run = capture_of(C1.opened(0, 100), C2.opened(50, 60))
    found = outcome("handshake_within:100ms", run)
    assert (found.verdict, found.detail) == ("pass", "2 handshakes, the slowest 100.0 ms")


def test_too_late_says_which_and_when() -> None:
    run = capture_of(C1.opened(0, 10), C2.opened(50, 151))
    (symptom,) = outcome("handshake_within:100ms", run).judgement.symptoms
    assert symptom.detail == (
        "c2: the handshake at 50.0 ms took 101.0 ms, expected at most 100.0 ms"
    )
    assert (symptom.kind, symptom.connection, symptom.at_ns) == ("timeout", "c2", 50 * MS)


def test_a_refusal_is_one_however_soon() -> None:
    run = capture_of(C1.request(0), C1.response(5, 403, reason="Forbidden"))
    found = outcome("handshake_within:2s", run)
    assert found.judgement.symptoms[0].kind == "refused"
    assert "was answered 403 Forbidden, expected 101" in found.detail


def test_no_answer_counts_once_the_time_is_over() -> None:
    unanswered = capture_of(C1.request(0), C1.tcp_close(2100, Side.CLIENT))
    found = outcome("handshake_within:2s", unanswered)
    assert "was not answered within 2000.0 ms" in found.detail
    assert found.verdict == "fail"
    given_up = capture_of(C1.request(0), C1.tcp_close(1900, Side.CLIENT))
    assert verdict("handshake_within:2s", given_up) == "unknown"
    hung_up = capture_of(C1.request(0), C1.tcp_close(1, Side.SERVER))
    assert verdict("handshake_within:2s", hung_up) == "fail"


def test_what_the_client_itself_waited_counts_on_request_only() -> None:
    run = capture_of(C1.request(500, connected_ms=0), C1.response(510))
    assert verdict("handshake_within:100ms", run) == "pass"
    assert verdict("handshake_within:100ms,since=connect", run) == "fail"


def test_where_there_is_no_handshake_nothing_is_known() -> None:
    assert outcome("handshake_within:2s", capture_of()).detail == "there is no connection"
    unknown_connect = capture_of(C1.opened(0, 10))
    assert verdict("handshake_within:2s,since=connect", unknown_connect) == "unknown"
