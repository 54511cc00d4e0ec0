import random
import statistics

import pytest
from scipy.stats import binom, binomtest

from replay.statistics import virtual_rate
from replay.statistics.virtual_rate import Distribution, Jitter

NORMAL = Jitter(Distribution.NORMAL, 200_000)
UNIFORM = Jitter(Distribution.UNIFORM, 5_000_000)


@pytest.mark.parametrize(("failures", "draws"), [(0, 300), (7, 300), (150, 300), (300, 300)])
def test_the_interval_is_wilsons(failures: int, draws: int) -> None:
    expected = binomtest(failures, draws).proportion_ci(0.95, method="wilson")
    found = virtual_rate(failures, draws, NORMAL)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=1e-12)


@pytest.mark.parametrize("true", [0.02, 0.1, 0.5, 0.97])
def test_of_many_draws_it_holds_the_true_rate_about_as_often_as_it_says(true: float) -> None:
    draws = 300
    covered = 0.0
    for failures in range(draws + 1):
        found = virtual_rate(failures, draws, NORMAL)
        if found.low <= true <= found.high:
            covered += float(binom.pmf(failures, draws, true))
    assert covered == pytest.approx(0.95, abs=0.03)


def test_the_model_stands_beside_the_rate() -> None:
    found = virtual_rate(7, 300, NORMAL)
    assert str(found) == (
        "7 of 300 draws of normal jitter, sigma 0.2 ms (95 % interval 1.1 to 4.7 %)"
    )
    assert found.to_json() == {
        "failures": 7,
        "draws": 300,
        "low": 0.0113,
        "high": 0.0474,
        "interval": "wilson",
        "jitter": {"distribution": "normal", "scale_ms": 0.2},
    }


@pytest.mark.filterwarnings("error")
def test_of_no_draws_nothing_is_known() -> None:
    nothing = virtual_rate(0, 0, UNIFORM)
    assert (nothing.low, nothing.high) == (0, 1)


@pytest.mark.parametrize(("failures", "draws"), [(-1, 3), (4, 3)])
def test_more_failures_than_draws_are_no_rate(failures: int, draws: int) -> None:
    with pytest.raises(ValueError, match="expected 0 to"):
        virtual_rate(failures, draws, NORMAL)


def test_draws_follow_the_model_and_the_seed() -> None:
    normal = [NORMAL.draw_ns(random.Random(seed)) for seed in range(2000)]
    assert statistics.stdev(normal) == pytest.approx(200_000, rel=0.1)
    assert abs(statistics.mean(normal)) < 20_000
    uniform = [UNIFORM.draw_ns(random.Random(seed)) for seed in range(2000)]
    assert -5_000_000 <= min(uniform) < -4_900_000
    assert 4_900_000 < max(uniform) <= 5_000_000
    assert UNIFORM.draw_ns(random.Random(4)) == uniform[4]


def test_no_jitter_is_no_model() -> None:
    with pytest.raises(ValueError, match="expected more than 0"):
        Jitter(Distribution.NORMAL, 0)
    assert str(UNIFORM) == "uniform jitter, ±5 ms"
