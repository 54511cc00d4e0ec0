from random import Random
from statistics import correlation, mean, median, stdev

import pytest

from replay.fault_proxy.delays import DISTRIBUTIONS, Chance, drawn_ns

DELAY_NS, JITTER_NS, DRAWS = 100_000_000, 20_000_000, 20_000


def draws(distribution: str, tied: float = 0.0) -> list[float]:
    chance = Chance(Random(5), tied)
    return [drawn_ns(chance, distribution, DELAY_NS, JITTER_NS) / 1e6 for _ in range(DRAWS)]


def test_uniform_fills_its_range() -> None:
    drawn = draws("uniform")
    assert 80 <= min(drawn) < 81
    assert 119 < max(drawn) <= 120
    assert mean(drawn) == pytest.approx(100, abs=0.5)


def test_normal_has_the_jitter_as_its_deviation() -> None:
    drawn = draws("normal")
    assert mean(drawn) == pytest.approx(100, abs=0.5)
    assert stdev(drawn) == pytest.approx(20, rel=0.05)


def test_pareto_is_mostly_small_and_has_a_tail() -> None:
    drawn = draws("pareto")
    assert min(drawn) >= 100
    assert median(drawn) == pytest.approx(100 + 20 * (2 ** (1 / 3) - 1), abs=0.3)
    assert max(drawn) > 250


def test_pareto_normal_lies_between() -> None:
    drawn = draws("pareto_normal")
    assert min(drawn) < 100
    assert max(drawn) > 200


def test_log_uniform_has_its_median_at_the_geometric_mean() -> None:
    drawn = draws("log_uniform")
    assert 80 <= min(drawn) < max(drawn) <= 120
    assert median(drawn) == pytest.approx((80 * 120) ** 0.5, abs=0.5)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_nothing_is_drawn_without_jitter(distribution: str) -> None:
    generator = Random(5)
    before = generator.getstate()
    assert drawn_ns(Chance(generator, 0.5), distribution, 7, 0) == 7
    assert generator.getstate() == before


def test_no_time_is_below_0() -> None:
    chance = Chance(Random(5), 0)
    assert min(drawn_ns(chance, "normal", 0, 1000) for _ in range(100)) == 0


def test_correlation_ties_neighbours_and_leaves_the_distribution() -> None:
    loose, tied = draws("normal"), draws("normal", 0.8)
    assert correlation(loose[1:], loose[:-1]) == pytest.approx(0, abs=0.05)
    assert correlation(tied[1:], tied[:-1]) == pytest.approx(0.8, abs=0.05)
    assert stdev(tied) == pytest.approx(20, rel=0.1)


def test_a_uniform_draw_is_a_share() -> None:
    chance = Chance(Random(5), 0.5)
    drawn = [chance.uniform() for _ in range(5000)]
    assert 0 <= min(drawn) < 0.05
    assert 0.95 < max(drawn) <= 1
    assert mean(drawn) == pytest.approx(0.5, abs=0.05)
