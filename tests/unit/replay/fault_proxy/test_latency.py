import pytest

from replay.errors import PlanError
from replay.fault_proxy import Latency
from tests.unit.replay.captures import MS
from tests.unit.replay.fault_proxy.streams import ended_ms, through


def test_bytes_come_so_much_later_and_so_does_the_end() -> None:
    out = through(Latency(50 * MS), (0, b"a"), (7, b"b"))
    assert out == [(50, b"a"), (57, b"b")]
    assert ended_ms(Latency(50 * MS), 3) == 53


@pytest.mark.parametrize("distribution", ["uniform", "normal", "pareto"])
def test_jitter_varies_by_the_seed_and_keeps_the_order(distribution: str) -> None:
    fault = Latency(20 * MS, 10 * MS, distribution)
    chunks = [(float(n), bytes([n])) for n in range(100)]
    one, again, other = (through(fault, *chunks, seed=seed) for seed in (1, 1, 2))
    assert one == again != other
    assert b"".join(data for _, data in one) == bytes(range(100))
    assert [at for at, _ in one] == sorted(at for at, _ in one)
    if distribution == "uniform":
        alone = [through(fault, (0, b"x"), seed=seed)[0][0] for seed in range(200)]
        assert all(10 <= at <= 30 for at in alone)
        assert max(alone) - min(alone) > 15


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"delay_ns": -1}, "delay_ms and jitter_ms of 0 or more"),
        ({"delay_ns": 1, "jitter_ns": -1}, "delay_ms and jitter_ms of 0 or more"),
        ({"delay_ns": 1, "distribution": "odd"}, "a distribution out of"),
        ({"delay_ns": 1, "direction": "up"}, "a direction out of"),
        ({"delay_ns": 1, "toxicity": 2}, "a toxicity from 0 to 1"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, int], complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        Latency(**fields)  # type: ignore[arg-type]
