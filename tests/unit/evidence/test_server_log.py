from typing import Any

from evidence.hunt_record import HuntRecord
from evidence.server_log import has_log, telling_line
from tests.unit.evidence.synthetic_hunt import COMPLAINT


def trial(
    number: int, verdict: str, *log: str, edits: tuple[str, ...] = ("gap",)
) -> dict[str, Any]:
    return {"run": number, "verdict": verdict, "log": list(log), "edits": list(edits)}


def test_the_line_of_failing_runs_is_found(raced: HuntRecord) -> None:
    failing = [each for each in raced.trials if each["verdict"] == "fail"]
    line = telling_line(raced.trials, failing)
    assert line is not None
    assert line.line == COMPLAINT
    assert len(line.runs) == len(failing)
    assert not {each["run"] for each in line.others} & {each["run"] for each in failing}


def test_a_line_that_passing_runs_have_too_tells_nothing() -> None:
    runs = [trial(1, "pass", "ERROR: busy"), trial(2, "fail", "ERROR: busy")]
    assert telling_line(runs, runs[1:]) is None


def test_a_run_without_a_verdict_does_not_clear_a_line() -> None:
    runs = [trial(1, "unknown", "ERROR: busy", edits=()), trial(2, "fail", "ERROR: busy")]
    line = telling_line(runs, runs[1:])
    assert line is not None
    assert line.others == ()


def test_lines_that_differ_in_numbers_are_one() -> None:
    failing = [trial(number, "fail", f"ERROR: task {number} lost") for number in (1, 2)]
    failing.append(trial(3, "fail", "ERROR: other"))
    line = telling_line(failing, failing)
    assert line is not None
    assert (line.line, len(line.runs)) == ("ERROR: task 1 lost", 2)


def test_a_hunt_without_a_log_is_told_from_one_with(raced: HuntRecord, silent: HuntRecord) -> None:
    assert has_log(raced.trials)
    assert not has_log(silent.trials)
