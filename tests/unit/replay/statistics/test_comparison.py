import logging

import pytest
from scipy.stats import fisher_exact

from replay.statistics import Rate, compared, differs, rate


def test_always_against_never_differs() -> None:
    assert differs(rate(5, 5), rate(0, 5))
    assert differs(rate(3, 10), rate(0, 20))


def test_about_as_often_does_not_differ() -> None:
    assert not differs(rate(5, 10), rate(5, 10))
    assert not differs(rate(1, 5), rate(0, 5))
    assert not differs(rate(0, 10), rate(10, 10))


def test_without_runs_nothing_differs() -> None:
    assert not differs(rate(5, 5), rate(0, 0))
    assert not differs(rate(0, 0), rate(0, 5))


def test_no_log_is_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    root = logging.getLogger()
    monkeypatch.setattr(root, "handlers", [])
    assert differs(rate(14, 20), rate(0, 113))
    assert root.handlers == []


def test_published_p_values() -> None:
    assert compared(rate(3, 10), rate(0, 20)).p_value == pytest.approx(0.014, abs=5e-4)
    assert compared(rate(5, 5), rate(0, 5)).p_value == pytest.approx(2**-10, rel=1e-3)


@pytest.mark.parametrize(
    ("before", "after"), [((3, 10), (0, 20)), ((7, 12), (2, 12)), ((4, 6), (1, 15))]
)
def test_the_test_is_never_less_sure_than_fishers(
    before: tuple[int, int], after: tuple[int, int]
) -> None:
    table = [[before[0], after[0]], [before[1] - before[0], after[1] - after[0]]]
    fisher = fisher_exact(table, alternative="greater").pvalue
    assert compared(rate(*before), rate(*after)).p_value <= fisher + 1e-6


def test_enough_clean_runs_are_a_fix() -> None:
    change = compared(rate(20, 20), rate(0, 20))
    assert (change.is_less, change.is_fixed, change.needed) == (True, True, 2)
    assert change.sentence.startswith("fixed as far as these runs can tell (Boschloo's test, p =")
    assert (
        "a fix needs 2 clean runs to rule out at 95 % a failure in 83 % of runs" in change.sentence
    )


def test_too_few_clean_runs_are_none() -> None:
    change = compared(rate(3, 10), rate(0, 20))
    assert (change.is_less, change.is_fixed, change.needed) == (True, False, 44)
    assert change.sentence.startswith("not shown to be fixed")


@pytest.mark.parametrize(
    ("after", "how"),
    [(rate(3, 20), "less often than before"), (rate(18, 20), "not clearly less often")],
)
def test_one_failure_refutes_a_fix(after: Rate, how: str) -> None:
    change = compared(rate(20, 20), after)
    assert not change.is_fixed
    assert change.sentence.startswith(f"it still fails, {how}")


def test_nothing_before_or_nothing_after_shows_nothing() -> None:
    assert "nothing failed before" in compared(rate(0, 10), rate(0, 10)).sentence
    change = compared(rate(5, 5), rate(0, 0))
    assert (change.sentence, change.is_fixed) == ("no run after the change was judged", False)


def test_a_comparison_as_json() -> None:
    assert compared(rate(5, 5), rate(0, 5)).to_json() == {
        "before": rate(5, 5).to_json(),
        "after": rate(0, 5).to_json(),
        "p_value": 0.000977,
        "clean_runs_needed": 5,
        "is_less": True,
        "is_fixed": True,
    }
