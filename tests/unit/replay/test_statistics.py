import math

import pytest
from scipy.stats import binomtest

from replay.statistics import differs, rate, repeats_to_see


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


@pytest.mark.parametrize("failure_rate", [0.3, 0.5, 0.8, 0.95])
def test_repeats_see_a_failure_but_for_the_share_missed(failure_rate: float) -> None:
    repeats = repeats_to_see(failure_rate)
    assert (1 - failure_rate) ** repeats <= 0.05 < (1 - failure_rate) ** (repeats - 1)


@pytest.mark.parametrize(("failure_rate", "repeats"), [(1.0, 1), (1.5, 1), (0.0, 10), (0.01, 10)])
def test_repeats_are_bounded(failure_rate: float, repeats: int) -> None:
    assert repeats_to_see(failure_rate) == repeats
    assert repeats_to_see(0.2, miss=0.5, most=100) == math.ceil(math.log(0.5) / math.log(0.8))


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
