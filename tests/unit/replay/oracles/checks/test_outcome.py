from replay.oracles.checks.outcome import (
    MOST_SHOWN,
    Outcome,
    cannot_tell,
    counted,
    verdict_of,
)
from replay.oracles.verdict import Symptom, SymptomKind, Verdict, judged

LOST = Symptom(SymptomKind.MISSING, "c1: lost", "c1", at_ns=5)


def test_no_symptom_is_a_pass_that_says_what_was_looked_at() -> None:
    judgement = verdict_of([], "3 messages answered")
    assert (judgement.verdict, judgement.reason) == (Verdict.PASS, "3 messages answered")


def test_more_of_the_same_is_counted() -> None:
    judgement = verdict_of([LOST] * (MOST_SHOWN + 3), "8 looked at")
    assert len(judgement.symptoms) == MOST_SHOWN
    assert judgement.reason == "and 3 more like these; 8 looked at"


def test_an_outcome_on_a_line_and_as_json() -> None:
    outcome = Outcome("no_lost_message", verdict_of([LOST], "0 of 1 answered"))
    assert outcome.detail == "c1: lost; 0 of 1 answered"
    assert outcome.to_json() == {
        "check": "no_lost_message",
        "verdict": "fail",
        "reason": "0 of 1 answered",
        "symptoms": [{"kind": "missing", "detail": "c1: lost", "connection": "c1", "at_ns": 5}],
    }


def test_what_cannot_be_told_is_unknown() -> None:
    outcome = Outcome("x", cannot_tell("nothing there"))
    assert (outcome.verdict, outcome.detail) == (Verdict.UNKNOWN, "nothing there")


def test_a_noun_agrees_with_its_number() -> None:
    assert [counted(number, "run") for number in (0, 1, 2)] == ["0 runs", "1 run", "2 runs"]


def test_a_run_that_does_not_tell_proves_no_pass() -> None:
    passes, fails = Outcome("a", judged(())), Outcome("b", judged([LOST]))
    assert passes.doubted("too late").verdict is Verdict.UNKNOWN
    assert passes.doubted("too late").detail == "too late"
    assert fails.doubted("too late") is fails
