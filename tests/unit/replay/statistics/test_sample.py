import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import nbinom

from replay.statistics import BiasedSample, InverseRate, Rate, Sample, Stopping, rate


def test_a_fixed_number_of_runs_gives_the_exact_rate() -> None:
    assert Sample(3, 10, Stopping.FIXED).rate() == rate(3, 10)


@pytest.mark.parametrize(
    "sample",
    [
        Sample(1, 7, Stopping.FAILURES),
        Sample(2, 30, Stopping.FAILURES),
        Sample(5, 5, Stopping.RESULT),
    ],
)
def test_runs_that_their_results_stopped_give_none(sample: Sample) -> None:
    with pytest.raises(BiasedSample, match="give no rate: run a fixed number"):
        sample.rate()


def test_runs_until_the_third_failure_give_the_inverse_estimate() -> None:
    found = Sample(3, 60, Stopping.FAILURES).rate()
    assert isinstance(found, InverseRate)
    assert not isinstance(found, Rate)
    assert found.estimate == pytest.approx(2 / 59)
    assert found.low < found.estimate < found.high
    assert str(found).startswith("3 % of runs, which ended at failure 3 in run 60")
    assert found.to_json()["stopped_by"] == "a number of failures"


def test_failures_only_may_be_all_there_is() -> None:
    found = Sample(4, 4, Stopping.FAILURES).rate()
    assert isinstance(found, InverseRate)
    assert (found.estimate, found.high) == (1.0, 1.0)


@pytest.mark.parametrize("true", [0.05, 0.3, 0.9])
def test_the_estimate_has_no_bias(true: float) -> None:
    # Exact: the mean over all numbers of runs, weighed by their probability.
    passes = range(4000)
    mean = sum(float(nbinom.pmf(k, 3, true)) * (3 - 1) / (3 + k - 1) for k in passes)
    assert mean == pytest.approx(true, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(3, 8), st.floats(0.05, 0.98))
def test_its_interval_holds_the_true_rate_often_enough(failures: int, true: float) -> None:
    covered = 0.0
    for passes in range(int(nbinom.ppf(0.9999, failures, true)) + 1):
        found = Sample(failures, failures + passes, Stopping.FAILURES).rate()
        if found.low <= true <= found.high:
            covered += float(nbinom.pmf(passes, failures, true))
    assert covered >= 0.95 - 2e-4


@pytest.mark.parametrize(
    ("failures", "runs", "stopping"),
    [
        (4, 3, Stopping.FIXED),
        (-1, 3, Stopping.FIXED),
        (0, 3, Stopping.FAILURES),
        (2, 1, Stopping.RESULT),
    ],
)
def test_what_cannot_be_is_no_sample(failures: int, runs: int, stopping: Stopping) -> None:
    with pytest.raises(ValueError, match="expected"):
        Sample(failures, runs, stopping)
