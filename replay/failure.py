"""Whether two runs show the same failure, and what to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from replay.experiment import Trial
from replay.oracles.verdict import Symptom, Verdict
from replay.perturbations import Perturbation
from replay.statistics import Rate, rate


def rate_of(verdicts: Sequence[Verdict]) -> Rate:
    """Return the rate among the runs that are known."""
    known = [verdict for verdict in verdicts if verdict is not Verdict.UNKNOWN]
    return rate(known.count(Verdict.FAIL), len(known))


def verdict_on(trial: Trial, failing: Trial) -> Verdict:
    """Return the verdict on one failure: a run that fails in another way does not show it."""
    if trial.verdict is Verdict.FAIL and not _same_symptom(trial, failing):
        return Verdict.PASS
    return trial.verdict


def _same_symptom(trial: Trial, failing: Trial) -> bool:
    """Whether two failing runs share a symptom; the leading one may be seen or not by chance.

    Of two clients that race it is chance which one loses, so that under the same edits the
    connection does not matter.
    """
    seen, known = trial.judgement.symptoms, failing.judgement.symptoms
    if {symptom.signature for symptom in seen} & {symptom.signature for symptom in known}:
        return True
    if _places(trial.edits) != _places(failing.edits):
        return False
    return bool({symptom.likeness for symptom in seen} & {symptom.likeness for symptom in known})


def _places(edits: Sequence[Perturbation]) -> list[tuple[str, str, int]]:
    """Return what is changed and where, whatever the values are."""
    return [(edit.name, edit.connection, edit.step) for edit in edits]


def with_log(trial: Trial) -> Symptom:
    """Return the leading symptom, and with it the complaint of the log if there is one."""
    leading, *others = trial.judgement.symptoms
    said = [other.detail for other in others if other.kind == "log"]
    if leading.kind == "log" or not said:
        return leading
    return replace(leading, detail=f"{leading.detail}; the server's log: {said[0]}")
