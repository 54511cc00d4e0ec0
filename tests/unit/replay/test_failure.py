"""Two runs show the same failure when they share a symptom, not when they share a verdict."""

from pathlib import Path

import pytest

from replay.experiment import Trial
from replay.failure import rate_of, verdict_on, with_log
from replay.oracles.verdict import Judgement, Symptom, SymptomKind, Verdict, judged
from tests.unit.replay.captures import capture_of

REFUSED = Symptom(SymptomKind.REFUSED, "c2 was refused", "c2")
MISSING = Symptom(SymptomKind.MISSING, "no ack", "c1")
LOGGED = Symptom(SymptomKind.LOG, "RuntimeError: no")


def trial(judgement: Judgement) -> Trial:
    return Trial(1, "sweep", (), capture_of(), (), judgement, Path("run"))


@pytest.mark.parametrize(
    ("symptoms", "verdict"),
    [
        ([REFUSED], Verdict.FAIL),
        ([MISSING, REFUSED], Verdict.FAIL),
        ([MISSING], Verdict.PASS),
        ([], Verdict.PASS),
    ],
)
def test_only_the_same_failure_counts(symptoms: list[Symptom], verdict: Verdict) -> None:
    assert verdict_on(trial(judged(symptoms)), trial(judged([REFUSED]))) is verdict


def test_an_unknown_run_stays_unknown() -> None:
    unknown = trial(Judgement(Verdict.UNKNOWN))
    assert verdict_on(unknown, trial(judged([REFUSED]))) is Verdict.UNKNOWN


def test_unknown_runs_are_not_in_the_rate() -> None:
    found = rate_of([Verdict.FAIL, Verdict.UNKNOWN, Verdict.PASS, Verdict.FAIL])
    assert (found.failures, found.runs) == (2, 3)


def test_the_log_is_quoted_with_the_symptom() -> None:
    detail = with_log(trial(judged([LOGGED, REFUSED]))).detail
    assert detail == "c2 was refused; the server's log: RuntimeError: no"


def test_a_complaint_alone_is_the_symptom() -> None:
    assert with_log(trial(judged([LOGGED]))) == LOGGED
