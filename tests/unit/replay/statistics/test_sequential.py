import math
from collections import defaultdict

import pytest

from replay.statistics import Decision, SequentialTest, Stopping


def told(test: SequentialTest, *results: bool) -> Decision:
    for failed in results:
        test.tell(failed)
    return test.decision


def outcomes(rate: float, **settings: float) -> tuple[dict[Decision, float], float]:
    """Return how probable each decision is at a rate, exactly, and how many runs it takes."""
    open_at: dict[tuple[int, int], float] = {(0, 0): 1.0}
    decided: defaultdict[Decision, float] = defaultdict(float)
    expected_runs = 0.0
    for runs in range(1, 401):
        following: defaultdict[tuple[int, int], float] = defaultdict(float)
        for (failures, _), share in open_at.items():
            expected_runs += share
            for failed, probability in ((1, rate), (0, 1 - rate)):
                test = SequentialTest(most=400, failures=failures, runs=runs - 1, **settings)  # type: ignore[arg-type]
                test.tell(bool(failed))
                if test.decision is Decision.OPEN:
                    following[failures + failed, runs] += share * probability
                else:
                    decided[test.decision] += share * probability
        open_at = following
    return decided, expected_runs


@pytest.mark.parametrize(
    ("too_seldom", "enough", "alpha", "beta"),
    [(0.5, 0.9, 0.05, 0.05), (0.2, 0.5, 0.1, 0.02), (0.05, 0.6, 0.01, 0.2)],
)
def test_the_errors_are_as_small_as_promised(
    too_seldom: float, enough: float, alpha: float, beta: float
) -> None:
    settings = {"too_seldom": too_seldom, "enough": enough, "alpha": alpha, "beta": beta}
    for rate in (too_seldom / 2, too_seldom):
        assert outcomes(rate, **settings)[0][Decision.ENOUGH] <= alpha
    for rate in (enough, (1 + enough) / 2):
        assert outcomes(rate, **settings)[0][Decision.TOO_SELDOM] <= beta


def test_it_takes_few_runs() -> None:
    expected = [outcomes(rate)[1] for rate in (0.0, 0.5, 0.75, 0.9, 1.0)]
    assert expected == pytest.approx([2, 6.5, 12.6, 8.6, 6], abs=0.1)


def test_it_ends_when_it_is_sure() -> None:
    test = SequentialTest()
    # ln 20 / ln (0.9 / 0.5), rounded up.
    needed = math.ceil(math.log(20) / math.log(1.8))
    assert told(test, *[True] * (needed - 1)) is Decision.OPEN
    assert test.ask()
    assert told(test, True) is Decision.ENOUGH
    assert not test.ask()
    with pytest.raises(ValueError, match="none was asked for"):
        test.tell(True)


def test_what_seldom_fails_is_dropped_soon() -> None:
    test = SequentialTest()
    assert told(test, False, False) is Decision.TOO_SELDOM
    assert (test.failures, test.runs) == (0, 2)


def test_at_the_most_runs_it_stays_open() -> None:
    test = SequentialTest(most=3)
    assert told(test, True, True, False) is Decision.OPEN
    assert not test.ask()


def test_its_runs_give_no_rate() -> None:
    test = SequentialTest()
    told(test, False, False)
    assert test.sample.stopping is Stopping.RESULT
    with pytest.raises(ValueError, match="give no rate"):
        test.sample.rate()


@pytest.mark.parametrize(
    "settings",
    [
        {"too_seldom": 0.9, "enough": 0.5},
        {"too_seldom": 0.0},
        {"enough": 1.0},
        {"alpha": 0.0},
        {"beta": 0.5},
    ],
)
def test_settings_that_make_no_test(settings: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        SequentialTest(**settings)  # type: ignore[arg-type]
