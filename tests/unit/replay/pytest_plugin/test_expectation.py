import pytest

from capture.format.model import Capture
from replay.errors import ReplayError
from replay.oracles.verdict import Judgement, Symptom, SymptomKind, Verdict
from replay.pytest_plugin.expectation import Standard, expectation_from, strictest
from tests.unit.replay.captures import capture_of

RUN = capture_of()
CLOSED = Symptom(SymptomKind.CLOSED, "c1 ended", "c1")


@pytest.mark.parametrize("standard", list(Standard))
def test_a_standard_by_its_name(standard: Standard) -> None:
    expectation = expectation_from(str(standard))
    assert (expectation.standard, expectation.checks) == (standard, ())
    assert expectation.needs_baseline is (standard is not Standard.NONE)


def test_none_leaves_it_to_the_body() -> None:
    assert expectation_from(None).standard is Standard.NONE


@pytest.mark.parametrize(("text", "failing"), [("fails", ""), ("fails: refused", "refused")])
def test_fails_expects_a_failure(text: str, failing: str) -> None:
    expectation = expectation_from(text)
    assert (expectation.failing, expectation.standard) == (failing, Standard.UNPERTURBED)


def test_a_check_alone_needs_no_baseline_and_beside_a_standard_both_count() -> None:
    def quiet(run: Capture) -> bool:
        return True

    alone, beside = expectation_from(quiet), expectation_from(["recorded", quiet])
    assert (alone.standard, [check.name for check in alone.checks]) == (Standard.NONE, ["quiet"])
    assert (beside.standard, len(beside.checks)) == (Standard.RECORDED, 1)


@pytest.mark.parametrize(
    ("expect", "complaint"),
    [
        ([], "expect is empty"),
        (["recorded", "unperturbed"], "recorded and unperturbed, expected one of them"),
        (7, "expect has 7"),
        ("exactly_twice", "expect is 'exactly_twice', expected 'recorded'"),
        (["fails: a", "recorded"], "expect is 'fails: a'"),
    ],
)
def test_anything_else_is_refused(expect: object, complaint: str) -> None:
    with pytest.raises(ReplayError, match=complaint):
        expectation_from(expect)


def asserts(run: Capture) -> None:
    assert run.events, "nothing happened"


@pytest.mark.parametrize(
    ("check", "verdict", "reason"),
    [
        (lambda run: None, Verdict.PASS, ""),
        (lambda run: True, Verdict.PASS, ""),
        (lambda run: False, Verdict.FAIL, "<lambda>: it returned False"),
        (lambda run: "no answer", Verdict.FAIL, "<lambda>: no answer"),
        (lambda run: Judgement(Verdict.UNKNOWN, reason="who knows"), Verdict.UNKNOWN, "who knows"),
        (lambda run: 3, Verdict.UNKNOWN, "<lambda> returned int, expected bool"),
        (lambda run: 1 / 0, Verdict.UNKNOWN, "the oracle crashed: ZeroDivisionError"),
        (asserts, Verdict.FAIL, "asserts: nothing happened"),
    ],
)
def test_what_a_function_says(check: object, verdict: Verdict, reason: str) -> None:
    (asked,) = expectation_from(check).checks
    judgement = asked.judge_safely(RUN, None)
    assert judgement.verdict is verdict
    assert judgement.reason.startswith(reason)


def test_fail_comes_before_unknown_before_pass_and_nothing_is_lost() -> None:
    fails, unknown = Judgement(Verdict.FAIL, (CLOSED,)), Judgement(Verdict.UNKNOWN, reason="late")
    also, passes = Judgement(Verdict.FAIL, reason="not so"), Judgement(Verdict.PASS)
    assert strictest([passes, unknown, fails, also]) == Judgement(Verdict.FAIL, (CLOSED,), "not so")
    assert strictest([passes, unknown]) == unknown
    assert strictest([passes]) == strictest([]) == passes
