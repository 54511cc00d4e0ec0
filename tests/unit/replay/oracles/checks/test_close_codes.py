import pytest

from capture.format.model import CloseHow, Side
from tests.unit.replay.captures import MS, Connection, Events, capture_of
from tests.unit.replay.oracles.checks.judging import outcome, verdict

C1, C2 = Connection("c1"), Connection("c2")


def ended(*events: Events, check: str = "close_codes:1000,1001") -> str:
    return verdict(check, capture_of(C1.opened(0), *events))


def test_codes_that_are_allowed() -> None:
    found = outcome(
        "close_codes:1000,1001",
        capture_of(C1.opened(0), C2.opened(0), C1.dismissed(50, 1001), C2.left(60)),
    )
    assert (found.verdict, found.detail) == ("pass", "2 connections ended with 1000, 1001")


def test_another_code_is_named_with_its_reason() -> None:
    run = capture_of(C1.opened(0), C1.dismissed(50, 1011, "it broke"))
    (symptom,) = outcome("close_codes:1000,1001", run).judgement.symptoms
    assert symptom.detail == (
        "c1: the server closed with 1011 (it broke) at 50.0 ms, expected 1000, 1001"
    )
    assert (symptom.kind, symptom.connection, symptom.at_ns) == ("closed", "c1", 50 * MS)


def test_codes_that_are_forbidden() -> None:
    check = "close_codes:forbid=1011"
    assert ended(C1.dismissed(50, 1011), check=check) == "fail"
    assert ended(C1.dismissed(50, 1012), check=check) == "pass"
    run = capture_of(C1.opened(0), C1.dismissed(50, 1011))
    assert outcome(check, run).detail.startswith(
        "c1: the server closed with 1011 at 50.0 ms, which is one of 1011"
    )


@pytest.mark.parametrize("how", [CloseHow.FIN, CloseHow.RESET])
def test_an_end_without_a_close_frame_is_1006(how: CloseHow) -> None:
    run = capture_of(C1.opened(0), C1.tcp_close(50, Side.SERVER, how))
    found = outcome("close_codes:1000", run)
    assert f"ended TCP ({how}) without a Close frame (1006)" in found.detail
    assert ended(C1.tcp_close(50, Side.SERVER, how)) == "fail"
    assert ended(C1.tcp_close(50, Side.SERVER, how), check="close_codes:1006") == "pass"


def test_a_goodbye_that_is_not_answered_is_1006_too() -> None:
    cut = [C1.close_frame(50, Side.CLIENT), C1.tcp_close(51, Side.SERVER)]
    assert ended(cut) == "fail"
    found = outcome("close_codes:1000", capture_of(C1.opened(0), cut))
    assert "after the client's Close frame without a Close frame" in found.detail


def test_a_close_frame_without_a_code_is_1005() -> None:
    bare = C1.close_frame(50, Side.SERVER, code=None)
    assert ended(bare) == "fail"
    assert ended(bare, check="close_codes:1005") == "pass"


def test_what_the_client_chose_is_not_laid_to_the_server() -> None:
    assert ended(C1.left(50, code=4000)) == "pass"
    answered = [C1.close_frame(50, Side.CLIENT, 4000), C1.close_frame(51, Side.SERVER, 1002)]
    assert ended(answered) == "fail"


@pytest.mark.parametrize(
    "events",
    [
        (),
        C1.tcp_close(50, Side.CLIENT),
        [C1.close_frame(50, Side.CLIENT), C1.tcp_close(51, Side.CLIENT)],
    ],
)
def test_who_was_not_answered_in_time_says_nothing(events: Events) -> None:
    assert ended(events) == "unknown"


def test_a_refused_handshake_has_no_close_code() -> None:
    run = capture_of(C1.request(0), C1.response(5, 403), C1.tcp_close(6, Side.SERVER))
    assert verdict("close_codes:1000", run) == "unknown"
