import pytest

from replay.oracles.verdict import (
    Judgement,
    Symptom,
    SymptomKind,
    Verdict,
    judge_safely,
    judged,
    merged,
)
from tests.unit.replay.captures import capture_of

PASS = Judgement(Verdict.PASS)
FAIL = judged([Symptom(SymptomKind.MISSING, "gone", "c1")])
UNKNOWN = Judgement(Verdict.UNKNOWN, reason="too busy")


def test_no_symptom_is_a_pass() -> None:
    assert judged([]) == PASS
    assert PASS.symptom is None


def test_the_most_telling_symptom_comes_first() -> None:
    kinds = [SymptomKind.REORDERED, SymptomKind.MISSING, SymptomKind.REFUSED, SymptomKind.LOG]
    judgement = judged(Symptom(kind, kind.value) for kind in kinds)
    assert [symptom.kind for symptom in judgement.symptoms] == [
        "refused",
        "log",
        "missing",
        "reordered",
    ]
    assert judgement.symptom is judgement.symptoms[0]


@pytest.mark.parametrize(
    "error", [ValueError("odd"), KeyError("x"), RecursionError(), MemoryError()]
)
def test_an_oracle_that_crashes_knows_nothing(error: Exception) -> None:
    def broken(run: object) -> Judgement:
        raise error

    judgement = judge_safely(broken, capture_of())
    assert judgement.verdict is Verdict.UNKNOWN
    assert judgement.reason.startswith(f"the oracle crashed: {type(error).__name__}")


def test_an_oracle_that_does_not_crash_is_believed() -> None:
    assert judge_safely(lambda run: FAIL, capture_of()) is FAIL


@pytest.mark.parametrize(
    ("each", "verdict"),
    [
        ([], Verdict.PASS),
        ([PASS, PASS], Verdict.PASS),
        ([PASS, UNKNOWN], Verdict.UNKNOWN),
        ([UNKNOWN, PASS], Verdict.UNKNOWN),
        ([UNKNOWN, FAIL], Verdict.FAIL),
        ([FAIL, UNKNOWN], Verdict.FAIL),
    ],
)
def test_unknown_never_becomes_pass(each: list[Judgement], verdict: Verdict) -> None:
    assert merged(each).verdict is verdict


def test_the_reason_of_an_unknown_is_kept() -> None:
    assert merged([PASS, UNKNOWN]).reason == "too busy"


def test_symptoms_of_several_oracles_are_ranked_together() -> None:
    log = judged([Symptom(SymptomKind.LOG, "TypeError: x")])
    assert [symptom.kind for symptom in merged([FAIL, log]).symptoms] == ["log", "missing"]


def test_the_signature_leaves_out_what_varies() -> None:
    one, other = (Symptom(SymptomKind.LOG, detail, "c1") for detail in ("id 1", "id 2"))
    assert one.signature == other.signature
    assert one.to_json() == {"kind": "log", "detail": "id 1", "connection": "c1"}


def test_what_a_user_named_leads_and_is_a_failure_of_its_own() -> None:
    named = Symptom(SymptomKind.MISSING, "gone", "c1", check="no_lost_message", at_ns=7)
    unnamed = Symptom(SymptomKind.REFUSED, "no", "c1")
    assert judged([unnamed, named]).symptoms == (named, unnamed)
    assert named.signature != Symptom(SymptomKind.MISSING, "gone", "c1").signature
    assert named.to_json() == {
        "kind": "missing",
        "detail": "gone",
        "connection": "c1",
        "check": "no_lost_message",
        "at_ns": 7,
    }


def logged(detail: str) -> tuple[str, str, str, str]:
    return Symptom(SymptomKind.LOG, detail).signature


def test_complaints_are_the_same_by_how_they_begin_whatever_varies_in_them() -> None:
    sent = "2026-11-23T21:46:33.999Z WARNING chat.delivery Failed to send an event:"
    assert logged(f"{sent} started") == logged(f"{sent.replace('33.9', '59.1')} thinking")
    assert logged(f"{sent} started") == logged(
        "[ERROR] chat.delivery: Failed to send an event: none"
    )
    assert logged(f"{sent} started") != logged(sent.replace("an event", "connection response"))
    assert logged("the next session: KeyError: 'a'") == logged("KeyError: 'a'")
    assert logged("KeyError: 'a'") != logged("KeyError: 'b'")
    assert logged("RuntimeError: not connected") != logged("TypeError: not connected")


def test_a_message_that_is_missing_is_known_by_its_connection() -> None:
    signatures = {
        Symptom(SymptomKind.MISSING, detail, connection).signature
        for detail, connection in [("ack 1", "c1"), ("ack 2", "c1"), ("ack 1", "c2")]
    }
    assert len(signatures) == 2


def test_exactly_a_symptom_is_which_message_and_which_value() -> None:
    def exactly(kind: SymptomKind, detail: str) -> tuple[str, ...]:
        return Symptom(kind, detail, "c1").exactly

    lost = "c1: the type=balance message changed: cents was 1070, usually 1570"
    assert exactly(SymptomKind.CHANGED, lost) != exactly(
        SymptomKind.CHANGED, lost.replace("1070", "1500")
    )
    extra = "c1: the type=taken message came 1 times too many: "
    assert exactly(SymptomKind.EXTRA, extra + "{1}") == exactly(SymptomKind.EXTRA, extra + "{2}")
    assert exactly(SymptomKind.EXTRA, extra) != exactly(
        SymptomKind.EXTRA, extra.replace("taken", "booked")
    )


def test_refusals_are_told_apart_by_their_status() -> None:
    def refused(detail: str) -> tuple[str, ...]:
        return Symptom(SymptomKind.REFUSED, detail, "c1").signature

    once = "c1: the handshake was answered 500 id 17, usually 101"
    assert refused(once) == refused(once.replace("17", "18"))
    assert refused(once) != refused(once.replace("500", "503"))
