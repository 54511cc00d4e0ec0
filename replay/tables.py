"""A hunt as tables: its runs, how the failure depends on the gap, how late the sends were.

They are made of what `read_hunt` returns, so they count what the runs show and not what the hunt
concluded. Times are int64 nanoseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from capture.tables import typed_table
from replay.oracles.verdict import Symptom, SymptomKind
from replay.perturbations import Gap, Perturbation, from_json
from replay.plan import Plan
from replay.statistics import Rate, rate

PASS, FAIL = "pass", "fail"
CONTROL = "control"
CHANGED, AS_RECORDED = "changed", "as recorded"
LATENESS_BINS = 30
FINEST_LATENESS_NS = 1_000

Trial = Mapping[str, Any]
"""One line of `runs.jsonl`."""
Signature = tuple[str, str, str]
"""Kind of a symptom, the check that failed, how a complaint begins."""

_TRIAL_TYPES = {
    "run": "int64",
    "purpose": "str",
    "change": "str",
    "verdict": "str",
    "symptom": "str",
    "log_lines": "int64",
    "median_lateness_ns": "Int64",
    "worst_lateness_ns": "Int64",
}
_DOSE_TYPES = {
    "gap_ns": "int64",
    "how": "str",
    "failures": "int64",
    "runs": "int64",
    "low": "float64",
    "high": "float64",
}


def trials_table(trials: Sequence[Trial]) -> pd.DataFrame:
    """Return one row a run: what was changed, what came of it, how punctual it was."""
    return typed_table((_trial_row(trial) for trial in trials), _TRIAL_TYPES)


def dose_table(answer: Mapping[str, Any], recorded_ns: int | None) -> pd.DataFrame:
    """Return how often the failure showed at each gap that was tried, with its exact interval.

    The runs without any change stand at the recorded gap, where that is known. Runs without a
    verdict do not count; another failure than the finding's counts as none, as in the hunt.
    """
    tried: dict[tuple[int, str], list[bool]] = {}
    known = finding_signatures(answer)
    for trial in judged_trials(answer["trials"]):
        gap_ns = gap_of(trial, answer["finding"])
        if gap_ns is not None:
            tried.setdefault((gap_ns, CHANGED), []).append(shows(trial, known))
        elif trial["purpose"] == CONTROL and recorded_ns is not None:
            tried.setdefault((recorded_ns, AS_RECORDED), []).append(shows(trial, known))
    rows = [
        {"gap_ns": gap_ns, "how": how, **_counted(failed)}
        for (gap_ns, how), failed in sorted(tried.items())
    ]
    return typed_table(rows, _DOSE_TYPES)


def lateness_table(late_ns: Sequence[int], bins: int = LATENESS_BINS) -> pd.DataFrame:
    """Return how many sends were how late, in bins of equal ratio from 1 µs on."""
    columns = ["from_ns", "to_ns", "sends"]
    if not late_ns:
        return typed_table((), dict.fromkeys(columns, "int64"))
    # A send is never early; what is on time to the microsecond goes to the first bin.
    clipped = np.maximum(np.asarray(late_ns, dtype="int64"), FINEST_LATENESS_NS)
    # Over a decade at least, so that equal latenesses do not fill the whole chart.
    highest = max(clipped.max() + 1, 10 * clipped.min())
    edges = np.geomspace(clipped.min(), highest, bins + 1)
    edges[0] = clipped.min()
    counts, _ = np.histogram(clipped, edges)
    table = pd.DataFrame({"from_ns": edges[:-1], "to_ns": edges[1:], "sends": counts})
    return table[table["sends"] > 0].astype("int64").reset_index(drop=True)


def judged_trials(trials: Sequence[Trial]) -> list[Trial]:
    """Return the runs that passed or failed; an unknown one counts for nothing."""
    return [trial for trial in trials if trial["verdict"] in (PASS, FAIL)]


def moved_edit(finding: Mapping[str, Any]) -> Perturbation:
    """Return the edit of a finding whose value the failing window is about."""
    edits = [from_json(edit) for edit in finding["edits"]]
    window = finding["window"]
    where = (window["connection"], window["step"], window["after"])
    at_step = [edit for edit in edits if (edit.connection, edit.step, edit.anchor) == where]
    return (at_step + edits)[0]


def gap_of(trial: Trial, finding: Mapping[str, Any]) -> int | None:
    """Return the value that a run gave to the finding's edit; None if it changed anything else."""
    moved = moved_edit(finding)
    edits = [from_json(edit) for edit in trial["edits"]]
    mine = [edit for edit in edits if _is_same_but_for_the_value(edit, moved)]
    if len(mine) != 1:
        return None
    others = [edit for edit in edits if edit != mine[0]]
    expected = [edit for edit in map(from_json, finding["edits"]) if edit != moved]
    return value_ns_of(mine[0]) if others == expected else None


def value_ns_of(edit: Perturbation) -> int:
    """Return the value of an edit that a search varies; 0 of one that has none."""
    return edit.value_ns if edit.has_value else 0


def _is_same_but_for_the_value(edit: Perturbation, other: Perturbation) -> bool:
    if edit == other:
        return True
    if type(edit) is not type(other) or not (edit.has_value and other.has_value):
        return False
    return edit.with_value(0) == other.with_value(0)


def finding_signatures(answer: Mapping[str, Any]) -> frozenset[Signature]:
    """Return what the finding's failure looks like, from the run that the hunt took up.

    That is the last failing one of the sweep with the finding's edit, at whatever value.
    """
    failing = [
        trial
        for trial in answer["trials"]
        if trial["verdict"] == FAIL and gap_of(trial, answer["finding"]) is not None
    ]
    swept = [trial for trial in failing if trial["purpose"] == "sweep"]
    return frozenset().union(*(_signatures(trial) for trial in (swept[-1:] or failing[:1])))


def shows(trial: Trial, known: frozenset[Signature]) -> bool:
    """Whether a run failed in a known way; another failure is not this one."""
    return trial["verdict"] == FAIL and bool(known & _signatures(trial))


def recorded_gap_ns(plan: Plan, finding: Mapping[str, Any]) -> int | None:
    """Return what the recording had in place of the finding's gap.

    None where the step was recorded before the event that the finding ties it to.
    """
    return moved_edit(finding).recorded_ns(plan)


def rate_of(failed: Sequence[bool]) -> Rate:
    """Return the rate of failures among runs."""
    return rate(sum(failed), len(failed))


def _signatures(trial: Trial) -> set[Signature]:
    return {
        Symptom(
            SymptomKind(symptom["kind"]),
            symptom["detail"],
            symptom["connection"],
            symptom.get("check", ""),
        ).likeness
        for symptom in trial["symptoms"]
    }


def _counted(failed: Sequence[bool]) -> dict[str, Any]:
    counted = rate_of(failed)
    return {
        "failures": counted.failures,
        "runs": counted.runs,
        "low": counted.low,
        "high": counted.high,
    }


def _trial_row(trial: Trial) -> dict[str, Any]:
    late = trial["lateness"]
    leading = trial["symptoms"][0] if trial["symptoms"] else None
    symptom = "" if leading is None else f"{leading['kind']}: {leading['detail']}"
    return {
        "run": trial["run"],
        "purpose": trial["purpose"],
        "change": ", ".join(change_text(edit) for edit in trial["edits"]),
        "verdict": trial["verdict"],
        "symptom": symptom or trial["reason"],
        "log_lines": len(trial["log"]),
        "median_lateness_ns": None if late is None else late["median_ns"],
        "worst_lateness_ns": None if late is None else late["worst_ns"],
    }


def change_text(edit: Mapping[str, Any]) -> str:
    """Return one edit as a person reads it."""
    parsed = from_json(edit)
    where = f"{parsed.connection} step {parsed.step}".lstrip()
    if not parsed.has_value:
        return f"{parsed.name} {where}"
    by = "" if isinstance(parsed, Gap) else f"{parsed.name} "
    return f"{by}{where} {parsed.value_ns / 1e6:.1f} ms after {parsed.anchor}"
