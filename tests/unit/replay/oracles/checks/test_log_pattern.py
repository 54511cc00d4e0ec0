from tests.unit.replay.captures import capture_of
from tests.unit.replay.oracles.checks.judging import details, outcome, verdict

RUN = capture_of()
LINES = ["started", "  KeyError: 'ann'", "done", "KeyError: 'bob'"]


def test_every_line_that_should_not_be_there_is_quoted() -> None:
    assert details("log_pattern:KeyError", RUN, LINES) == [
        "line 2 of the log: KeyError: 'ann'",
        "line 4 of the log: KeyError: 'bob'",
    ]
    symptoms = outcome("log_pattern:KeyError", RUN, LINES).judgement.symptoms
    assert {symptom.kind for symptom in symptoms} == {"log"}


def test_lines_that_are_not_there() -> None:
    found = outcome("log_pattern:Traceback", RUN, LINES)
    assert (found.verdict, found.detail) == ("pass", "4 lines of the log looked at")


def test_a_line_that_has_to_be_there() -> None:
    assert verdict("log_pattern:must=^done$", RUN, LINES) == "pass"
    assert details("log_pattern:must=saved", RUN, LINES) == ["no line of the log matches saved"]


def test_a_log_that_nobody_writes_to_has_no_such_line() -> None:
    assert verdict("log_pattern:Error", RUN, []) == "pass"
    assert verdict("log_pattern:must=done", RUN, []) == "fail"


def test_a_log_that_was_not_read_says_nothing() -> None:
    found = outcome("log_pattern:Error", RUN)
    assert (found.verdict, "--log FILE" in found.detail) == ("unknown", True)
