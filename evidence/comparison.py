"""Whether a changed server still fails under the timing that broke the first one."""

from __future__ import annotations

from evidence.hunt_record import HuntRecord
from evidence.measured import Measured
from evidence.whys import Status, Why
from replay.statistics import Comparison, Rate, compared
from replay.tables import FAIL, Trial, gap_of, judged_trials, rate_of

COMPARISON = "comparison"
QUESTION = "Does a change of the server remove it?"
HOW = (
    "send the same timing to a changed server (deadheat hunt with its --target and the same "
    "recording), and name that hunt with --compare DIR"
)


def comparable_trials(seen: Measured, record: HuntRecord, comparison: HuntRecord) -> list[Trial]:
    """Return the judged runs of the changed server under the timing of the finding.

    Those made for the comparison, or else those that happen to lie in the failing window.
    """
    trials = judged_trials(comparison.trials)
    made = [trial for trial in trials if trial["purpose"] == COMPARISON]
    if made:
        return made
    low_ns = seen.low_ns if seen.low_ns is not None else seen.edit.value_ns
    high_ns = seen.high_ns if seen.high_ns is not None else seen.edit.value_ns
    gaps = ((gap_of(trial, record.finding), trial) for trial in trials)
    return [trial for gap_ns, trial in gaps if gap_ns is not None and low_ns <= gap_ns <= high_ns]


def comparison_rate(trials: list[Trial]) -> Rate:
    """Return how often the changed server fails; any failure counts, not only the same one."""
    return rate_of([trial["verdict"] == FAIL for trial in trials])


def change_why(record: HuntRecord, seen: Measured, comparison: HuntRecord | None) -> Why:
    """Say whether the changed server still fails."""
    if comparison is None:
        return Why(QUESTION, "Not tried.", Status.OPEN, to_answer=HOW)
    if comparison.answer["capture_sha256"] != record.answer["capture_sha256"]:
        text = f"Not known: {comparison.name} replays another recording."
        return Why(QUESTION, text, Status.OPEN, to_answer=HOW)
    trials = comparable_trials(seen, record, comparison)
    if not trials:
        reasons = "".join(f" {reason}." for reason in comparison.answer["reasons"])
        text = f"Not known: {comparison.name} has no judged run with this timing.{reasons}"
        return Why(QUESTION, text, Status.OPEN, to_answer=HOW)
    return _judged(record, seen, comparison, trials)


def _judged(record: HuntRecord, seen: Measured, comparison: HuntRecord, trials: list[Trial]) -> Why:
    after = comparison_rate(trials)
    change = compared(seen.rate, after)
    counts = (
        f"Under the same timing the changed server fails in {after}, the first one in {seen.rate}."
    )
    if after.failures:
        status = Status.REFUTED
        text = f"No{', but it fails less often' if change.is_less else ''}. {counts}"
    elif change.is_fixed:
        status = Status.SUPPORTED
        chance = "Chance does not explain that (Boschloo's exact test, 5 %)"
        text = f"Yes. {counts} {chance}, and {change.needs}: {after.runs} were clean."
    else:
        status = Status.OPEN
        text = f"Perhaps. {counts} These are too few runs: {_too_few(change)}."
    return Why(
        QUESTION,
        text,
        status,
        (
            comparison.cite_runs(trials, f"changed server: {after.failures} of {after.runs} fail"),
            record.cite_runs(seen.at_point, f"first server: {seen.rate.failures} fail"),
        ),
        to_answer="compare with more runs" if status is Status.OPEN else "",
    )


def _too_few(change: Comparison) -> str:
    """Return what more runs have to show."""
    if not change.is_less:
        return "chance explains the difference, too"
    return f"{change.needs}, {change.after.runs} were clean"
