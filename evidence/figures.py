"""The charts of a case, those that it has the runs for."""

from __future__ import annotations

from capture.charts import Chart, timeline
from capture.format.model import Capture
from evidence.case import Case
from evidence.contrast import FAILING, PASSING, aligned, contrasted, first_difference
from evidence.hunt_record import HuntRecord
from evidence.measured import Measured
from replay.charts import before_after, dose_response, rate_intervals, send_lateness
from replay.lateness import send_lateness_ns
from replay.perturbations import Gap
from replay.tables import PASS, dose_table

USUAL_RUNS = 4
# The records of a long hunt of a long session are many; these are plenty for a distribution.
LATENESS_RUNS = 200


def of_the_failure(case: Case) -> list[Chart]:
    """Return the charts that show what was found: rate, dose and response, before and after."""
    charts = [rate_intervals(case.rates)]
    if case.seen is not None:
        if case.seen.edit.has_value:
            charts.append(dose_chart(case.record, case.seen))
        side_by_side = contrast_chart(case.record, case.seen)
        charts += [] if side_by_side is None else [side_by_side]
    return charts


def of_the_runs(case: Case) -> list[Chart]:
    """Return the charts of the recording, of a failing run, and of how punctual the runs were."""
    charts = [timeline(case.record.recorded, "The recording")]
    pair = None if case.seen is None else contrasted(case.record.answer)
    if pair is not None:
        failing = pair[1]
        charts.append(timeline(case.record.run(failing), f"Run {failing['run']}, which fails"))
    return [*charts, lateness_chart(case.record)]


def dose_chart(record: HuntRecord, seen: Measured) -> Chart:
    """Return how the failure depends on the gap."""
    return dose_response(
        dose_table(record.answer, seen.recorded_ns),
        seen.low_ns,
        seen.high_ns,
        _axis(seen),
    )


def _axis(seen: Measured) -> str:
    edit = seen.edit
    if isinstance(edit, Gap):
        return f"{edit.connection} step {edit.step} after {edit.anchor} (ms)"
    return f"{edit.name}: {edit.varied.removesuffix('_ns')}, from {edit.anchor} (ms)"


def contrast_chart(record: HuntRecord, seen: Measured) -> Chart | None:
    """Return a failing run beside the nearest passing one; None when one of them is missing."""
    pair = contrasted(record.answer)
    if pair is None:
        return None
    passing = aligned(PASSING, record.run(pair[0]), record.finding)
    failing = aligned(FAILING, record.run(pair[1]), record.finding)
    difference = first_difference(passing, failing, usual_runs(record))
    moved = f"{seen.edit.connection} step {seen.edit.step}"
    return before_after(passing, failing, seen.edit.anchor, moved, difference)


def lateness_chart(record: HuntRecord) -> Chart:
    """Return how late the sends of the hunt's runs were."""
    runs = (record.run(trial) for trial in record.trials[-LATENESS_RUNS:])
    return send_lateness([late_ns for run in runs for late_ns in send_lateness_ns(run)])


def usual_runs(record: HuntRecord) -> list[Capture]:
    """Return a few runs that nobody perturbed, and that passed if any was judged."""
    unperturbed = [trial for trial in record.trials if not trial["edits"]]
    passed = [trial for trial in unperturbed if trial["verdict"] == PASS]
    return [record.run(trial) for trial in (passed or unperturbed)[:USUAL_RUNS]]
