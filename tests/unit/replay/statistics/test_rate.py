import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest
from statsmodels.stats.proportion import proportion_confint

from replay.statistics import probable, rate


@pytest.mark.parametrize(("failures", "runs"), [(0, 20), (1, 20), (7, 10), (20, 20), (5, 5)])
def test_the_interval_is_the_exact_one(failures: int, runs: int) -> None:
    expected = binomtest(failures, runs).proportion_ci(0.95, method="exact")
    measured = rate(failures, runs)
    assert (measured.low, measured.high) == pytest.approx((expected.low, expected.high))


def test_of_no_runs_nothing_is_known() -> None:
    nothing = rate(0, 0)
    assert (nothing.low, nothing.high) == (0, 1)


@pytest.mark.parametrize(("failures", "runs"), [(-1, 3), (4, 3)])
def test_more_failures_than_runs_are_no_rate(failures: int, runs: int) -> None:
    with pytest.raises(ValueError, match="expected 0 to"):
        rate(failures, runs)


def test_a_rate_as_text_and_json() -> None:
    assert str(rate(5, 5)) == "5 of 5 runs (95 % interval 48 to 100 %)"
    assert rate(0, 20).to_json() == {"failures": 0, "runs": 20, "low": 0.0, "high": 0.1684}


def test_a_wider_confidence_gives_a_wider_interval() -> None:
    assert rate(5, 10, 0.99).low < rate(5, 10).low


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.floats(1e-9, 1 - 1e-9), st.sampled_from([0.8, 0.95, 0.99]))
def test_the_interval_holds_the_true_rate_at_least_as_often_as_it_says(
    runs: int, true: float, confidence: float
) -> None:
    intervals = [rate(failures, runs, confidence) for failures in range(runs + 1)]
    covered = sum(
        float(binom.pmf(each.failures, runs, true))
        for each in intervals
        if each.low <= true <= each.high
    )
    assert covered >= confidence - 1e-9


@pytest.mark.parametrize(
    ("failures", "runs", "low", "high"),
    # Published: the rule of three's exact form, and tables of exact binomial limits.
    [(0, 20, 0.0, 0.1684), (5, 5, 0.4782, 1.0), (20, 20, 0.8316, 1.0), (1, 10, 0.0025, 0.4450)],
)
def test_published_limits(failures: int, runs: int, low: float, high: float) -> None:
    assert (rate(failures, runs).low, rate(failures, runs).high) == pytest.approx(
        (low, high), abs=5e-5
    )


@pytest.mark.parametrize(("failures", "runs"), [(0, 20), (3, 10), (19, 20)])
def test_statsmodels_has_the_same_limits(failures: int, runs: int) -> None:
    expected = proportion_confint(failures, runs, method="beta")
    measured = rate(failures, runs)
    assert (measured.low, measured.high) == pytest.approx(expected)


def test_a_probable_rate_is_on_the_low_side_and_no_more() -> None:
    assert probable(rate(5, 5)) == 1.0
    low, half = rate(5, 10).low, 0.5
    assert low < probable(rate(5, 10)) < half
    # One failure of five: the true rate is below this in a fifth of the cases.
    found = probable(rate(1, 5))
    assert float(binom.sf(0, 5, found)) == pytest.approx(0.2)
