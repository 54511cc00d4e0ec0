from dataclasses import replace
from pathlib import Path

from evidence.comparison import change_why, comparable_trials, comparison_rate
from evidence.hunt_record import HuntRecord, read_record
from evidence.measured import measured
from evidence.whys import Status
from replay.tables import gap_of


def test_a_server_that_no_longer_fails_supports_the_change(
    raced: HuntRecord, fixed: HuntRecord
) -> None:
    why = change_why(raced, measured(raced), fixed)
    assert why.status is Status.SUPPORTED
    assert why.answer.startswith("Yes. Under the same timing the changed server fails in 0 of 12")
    assert [each.file for each in why.evidence] == ["fixed/runs.jsonl", "raced/runs.jsonl"]
    assert "and a fix needs 3 clean runs to rule out at 95 %" in why.answer
    assert why.answer.endswith(": 12 were clean.")


def test_a_server_that_still_fails_refutes_the_change(raced: HuntRecord, hunts: Path) -> None:
    why = change_why(raced, measured(raced), read_record(hunts / "still-broken"))
    assert why.status is Status.REFUTED
    assert "12 of 12" in why.answer


def test_one_run_that_fails_is_enough_to_refute(raced: HuntRecord, fixed: HuntRecord) -> None:
    trials = [dict(each) for each in fixed.trials]
    trials[-1]["verdict"] = "fail"
    broken = replace(fixed, answer={**fixed.answer, "trials": trials})
    why = change_why(raced, measured(raced), broken)
    assert why.status is Status.REFUTED
    assert "fails less often" in why.answer


def test_too_few_runs_leave_it_open(raced: HuntRecord, fixed: HuntRecord) -> None:
    # Of one run on each side nothing follows.
    few = replace(fixed, answer={**fixed.answer, "trials": fixed.trials[-1:]})
    seen = measured(raced)
    why = change_why(raced, replace(seen, at_point=seen.at_point[:1]), few)
    assert why.status is Status.OPEN
    assert why.answer.startswith("Perhaps.")
    assert "chance explains the difference, too" in why.answer


def test_fewer_clean_runs_than_a_fix_needs_leave_it_open(
    raced: HuntRecord, fixed: HuntRecord
) -> None:
    # 4 of 10 before: Boschloo's test sees a difference to 0 of 12, and still 24 runs are needed.
    seen = measured(raced)
    failing = [trial for trial in seen.at_point if seen.is_failing(trial)]
    clean = [trial | {"verdict": "pass"} for trial in map(dict, failing)]
    why = change_why(raced, replace(seen, at_point=[*failing[:4], *clean[:6]]), fixed)
    assert why.status is Status.OPEN
    assert "a fix needs 24 clean runs" in why.answer
    assert why.answer.endswith("12 were clean.")


def test_without_a_comparison_it_is_open_and_says_how(raced: HuntRecord) -> None:
    why = change_why(raced, measured(raced), None)
    assert why.status is Status.OPEN
    assert "--compare" in why.to_answer


def test_another_recording_is_no_comparison(raced: HuntRecord, fixed: HuntRecord) -> None:
    other = replace(fixed, answer={**fixed.answer, "capture_sha256": "00"})
    why = change_why(raced, measured(raced), other)
    assert why.status is Status.OPEN
    assert "another recording" in why.answer


def test_a_comparison_without_judged_runs_gives_its_reasons(
    raced: HuntRecord, fixed: HuntRecord
) -> None:
    empty = replace(fixed, answer={**fixed.answer, "trials": [], "reasons": ["it did not start"]})
    why = change_why(raced, measured(raced), empty)
    assert why.status is Status.OPEN
    assert "it did not start" in why.answer


def test_without_runs_for_it_those_in_the_window_compare(
    raced: HuntRecord, fixed: HuntRecord
) -> None:
    swept = [trial for trial in fixed.trials if trial["purpose"] != "comparison"]
    seen = measured(raced)
    trials = comparable_trials(
        seen, raced, replace(fixed, answer={**fixed.answer, "trials": swept})
    )
    gaps = [gap_of(trial, raced.finding) for trial in trials]
    assert gaps
    assert all(gap is not None and gap <= (seen.high_ns or 0) for gap in gaps)
    assert comparison_rate(trials).failures == 0
