import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from replay.statistics import clean_runs_for_fix, clean_runs_needed, rate, repeats_to_see


@pytest.mark.parametrize("failure_rate", [0.3, 0.5, 0.8, 0.95])
def test_repeats_see_a_failure_but_for_the_share_missed(failure_rate: float) -> None:
    repeats = repeats_to_see(failure_rate)
    assert (1 - failure_rate) ** repeats <= 0.05 + 1e-12 < (1 - failure_rate) ** (repeats - 1)


@pytest.mark.parametrize(("failure_rate", "repeats"), [(1.0, 1), (1.5, 1), (0.0, 10), (0.01, 10)])
def test_repeats_are_bounded(failure_rate: float, repeats: int) -> None:
    assert repeats_to_see(failure_rate) == repeats
    assert repeats_to_see(0.2, miss=0.5, most=100) == math.ceil(math.log(0.5) / math.log(0.8))


@pytest.mark.parametrize(
    ("failure_rate", "runs"), [(0.5, 5), (0.2, 14), (0.1, 29), (0.05, 59), (0.01, 299), (1.0, 1)]
)
def test_published_numbers_of_clean_runs(failure_rate: float, runs: int) -> None:
    assert clean_runs_needed(failure_rate) == runs


def test_what_never_fails_is_never_ruled_out() -> None:
    assert clean_runs_needed(0) is None
    assert clean_runs_for_fix(rate(0, 50)) is None


def test_a_whole_number_is_not_rounded_up() -> None:
    # The logarithms of these are a hair above 2, 4 and 5.
    assert clean_runs_needed(0.99, 1 - 0.01**2) == 2
    assert clean_runs_needed(0.9, 1 - 0.1**4) == 4
    assert clean_runs_needed(0.8, 1 - 0.2**5) == 5


@settings(max_examples=200, deadline=None)
@given(st.floats(1e-6, 1), st.floats(0.5, 0.999))
def test_that_many_rule_it_out_and_one_less_does_not(failure_rate: float, sure: float) -> None:
    runs = clean_runs_needed(failure_rate, sure)
    assert runs is not None
    assert (1 - failure_rate) ** runs <= (1 - sure) * (1 + 1e-6)
    assert runs == 1 or (1 - failure_rate) ** (runs - 1) > (1 - sure) * (1 - 1e-6)


@pytest.mark.parametrize(
    ("failure_rate", "sure"), [(-0.1, 0.95), (1.1, 0.95), (0.5, 0), (0.5, 1), (float("nan"), 0.9)]
)
def test_what_is_no_rate_or_no_confidence(failure_rate: float, sure: float) -> None:
    with pytest.raises(ValueError, match="expected 0 to 1"):
        clean_runs_needed(failure_rate, sure)


def test_a_fix_is_measured_by_the_least_that_the_rate_may_have_been() -> None:
    assert clean_runs_for_fix(rate(5, 5)) == clean_runs_needed(rate(5, 5).low) == 5
    assert clean_runs_for_fix(rate(3, 10)) == 44
