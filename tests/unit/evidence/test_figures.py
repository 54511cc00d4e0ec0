from dataclasses import replace
from pathlib import Path

from evidence.case import open_case
from evidence.figures import contrast_chart, of_the_failure, of_the_runs, usual_runs
from evidence.hunt_record import HuntRecord
from evidence.measured import measured


def titles(charts: list[object]) -> list[str]:
    return [chart.to_dict()["title"]["text"] for chart in charts]  # type: ignore[attr-defined]


def test_a_finding_has_rate_dose_and_contrast(hunts: Path) -> None:
    assert titles(list(of_the_failure(open_case(hunts / "raced", hunts / "fixed")))) == [
        "How often it fails",
        "How the failure depends on the gap",
        "A passing and a failing run",
    ]


def test_nothing_found_has_only_the_unperturbed_rate(hunts: Path) -> None:
    assert titles(list(of_the_failure(open_case(hunts / "fixed")))) == ["How often it fails"]


def test_the_runs_are_shown_with_the_recording_and_a_failing_one(hunts: Path) -> None:
    recording, failing, late = titles(list(of_the_runs(open_case(hunts / "raced"))))
    assert recording == "The recording"
    assert failing.startswith("Run ")
    assert late == "How punctual the replay was"
    assert len(of_the_runs(open_case(hunts / "fixed"))) == 2


def test_every_chart_has_a_description_and_few_rows(hunts: Path) -> None:
    case = open_case(hunts / "flaky")
    for chart in [*of_the_failure(case), *of_the_runs(case)]:
        spec = chart.to_dict()
        assert spec["description"]
        assert sum(map(len, spec.get("datasets", {}).values())) <= 5_000


def test_without_a_failing_run_there_is_no_contrast(raced: HuntRecord) -> None:
    seen = measured(raced)
    passing = [each for each in raced.trials if each["verdict"] != "fail"]
    without = replace(raced, answer={**raced.answer, "trials": passing})
    assert contrast_chart(without, seen) is None


def test_usual_runs_are_those_that_passed(raced: HuntRecord) -> None:
    baseline = [each for each in raced.trials if each["purpose"] == "baseline"]
    controls = [each for each in raced.trials if each["purpose"] == "control"][:1]
    judged = replace(raced, answer={**raced.answer, "trials": [*baseline, *controls]})
    unjudged = replace(raced, answer={**raced.answer, "trials": baseline})
    assert len(usual_runs(judged)) == 1
    assert len(usual_runs(unjudged)) == len(baseline)
