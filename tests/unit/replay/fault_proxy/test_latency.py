from statistics import mean, stdev

import pytest

from replay.errors import PlanError
from replay.fault_proxy import Latency
from replay.fault_proxy.delays import DISTRIBUTIONS
from tests.unit.replay.fault_proxy.streams import MS, ended_ms, through


def test_delays_by_the_time_at_which_it_came() -> None:
    fault = Latency(50 * MS)
    assert through(fault, (0, b"a"), (10, b"b"), (100, b"c")) == [
        (50, b"a"),
        (60, b"b"),
        (150, b"c"),
    ]
    assert ended_ms(fault, at_ms=7) == 57


def test_jitter_is_around_the_delay_and_never_reorders() -> None:
    out = through(Latency(50 * MS, 20 * MS), *[(n, bytes([n])) for n in range(200)])
    assert b"".join(data for _, data in out) == bytes(range(200))
    assert [at for at, _ in out] == sorted(at for at, _ in out)
    late = [at - n for n, (at, _) in enumerate(out)]
    assert min(late) >= 30
    assert max(late) <= 70
    assert stdev(late) > 1


def test_the_same_seed_draws_the_same_times() -> None:
    chunks = [(n * 100.0, b"x") for n in range(20)]
    fault = Latency(50 * MS, 20 * MS)
    assert through(fault, *chunks, seed=1) == through(fault, *chunks, seed=1)
    assert through(fault, *chunks, seed=1) != through(fault, *chunks, seed=2)


@pytest.mark.parametrize("distribution", DISTRIBUTIONS)
def test_every_distribution_draws(distribution: str) -> None:
    fault = Latency(50 * MS, 20 * MS, distribution)
    late = [
        at - n * 1000
        for n, (at, _) in enumerate(through(fault, *[(n * 1000, b"x") for n in range(300)]))
    ]
    assert 40 < mean(late) < 70
    assert len(set(late)) > 250


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ({"delay_ns": -1}, "0 or more"),
        ({"delay_ns": 1, "jitter_ns": -1}, "0 or more"),
        ({"delay_ns": 1, "distribution": "odd"}, "out of uniform, normal, pareto"),
        ({"delay_ns": 1, "correlation": 1.0}, "correlation from 0 to below 1"),
        ({"delay_ns": 1, "jitter_ns": 1, "distribution": "log_uniform"}, "below delay_ms"),
    ],
)
def test_refuses_what_cannot_be(settings: dict[str, int], complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        Latency(**settings)
