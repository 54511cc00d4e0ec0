"""Two runs show the same failure when they share a symptom, not when they share a verdict."""

from dataclasses import replace
from pathlib import Path

import pytest

from replay.experiment import Trial
from replay.failure import rate_of, verdict_on, with_log
from replay.oracles.verdict import Judgement, Symptom, SymptomKind, Verdict, judged
from replay.perturbations import Gap
from replay.plan import After, Kind
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


def test_which_of_two_clients_loses_is_chance_under_the_same_edits_alone() -> None:
    def lost(connection: str, *edits: Gap) -> Trial:
        symptom = Symptom(SymptomKind.MISSING, f"{connection}: no ack", connection)
        return replace(trial(judged([symptom])), edits=edits)

    soon, later = (Gap("c2", 1, After(Kind.STEP, "c1", 1), gap_ns) for gap_ns in (0, 5_000_000))
    elsewhere = Gap("c2", 2, After(Kind.STEP, "c1", 1), 0)
    assert verdict_on(lost("c2", later), lost("c1", soon)) is Verdict.FAIL
    assert verdict_on(lost("c2", elsewhere), lost("c1", soon)) is Verdict.PASS
    assert verdict_on(lost("c1", elsewhere), lost("c1", soon)) is Verdict.FAIL
