from typing import Any

from benchmarks.real_bugs.outcome import edit_in_words, failed, outcome_of
from tests.unit.benchmarks.real_bugs.builds import BAD, CASE, GOOD

GAP = {"perturbation": "gap", "connection": "c1", "step": 2, "after": None, "gap_ms": 0.5}


def result(verdict: str, detail: str = "") -> dict[str, Any]:
    finding = {
        "symptom": {"kind": "closed", "detail": detail},
        "edits": [GAP],
        "rate": {"failures": 19, "runs": 20},
    }
    return {
        "verdict": verdict,
        "finding": finding if detail else None,
        "runs": 90,
        "reasons": ["it rained"],
    }


def test_the_bug_in_the_bad_build_is_right() -> None:
    outcome = outcome_of(CASE, BAD, result("reproduced", "code 1011"), 3.0, CASE.symptom)
    assert outcome.is_right
    assert outcome.symptom == "closed: code 1011"
    assert outcome.rate == "19 of 20"


def test_another_failure_than_the_bug_is_not_right() -> None:
    assert not outcome_of(CASE, BAD, result("reproduced", "code 1000"), 3.0, CASE.symptom).is_right


def test_a_miss_and_an_accusation_are_not_right() -> None:
    assert not outcome_of(CASE, BAD, result("not reproduced"), 3.0, CASE.symptom).is_right
    accused = outcome_of(CASE, GOOD, result("reproduced", "code 1011"), 3.0, CASE.symptom)
    assert not accused.is_right


def test_a_good_build_without_a_finding_is_right_and_keeps_its_note() -> None:
    outcome = outcome_of(CASE, GOOD, result("not reproduced"), 3.0, CASE.symptom)
    assert outcome.is_right
    assert outcome.note == "of the same day; it rained"


def test_no_verdict_on_a_good_build_is_not_right() -> None:
    assert not outcome_of(CASE, GOOD, result("inconclusive"), 3.0, CASE.symptom).is_right


def test_an_edit_in_words_leaves_out_what_is_not_set() -> None:
    assert edit_in_words(GAP) == "gap: connection c1, step 2, gap_ms 0.5"


def test_what_could_not_be_tried_is_not_right_and_says_why() -> None:
    outcome = failed(CASE, GOOD, "npm is\n missing")
    assert (outcome.got, outcome.is_right, outcome.note) == ("failed", False, "npm is missing")
