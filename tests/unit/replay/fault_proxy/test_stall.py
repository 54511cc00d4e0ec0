import itertools

import pytest

from replay.errors import PlanError
from replay.fault_proxy import Stall
from replay.fault_proxy.stall import MOST_RETRANSMISSIONS
from tests.unit.replay.fault_proxy.streams import MS, through

CHUNKS = [(n * 100_000.0, b"x") for n in range(2000)]


def waits(fault: Stall) -> list[float]:
    return [
        at - before for (at, _), (before, _) in zip(through(fault, *CHUNKS), CHUNKS, strict=True)
    ]


def test_some_wait_for_a_retransmission_and_few_for_two() -> None:
    late = waits(Stall(0.2))
    assert set(late) >= {0, 200, 600}
    assert 300 < sum(wait > 0 for wait in late) < 500
    assert 40 < sum(wait > 200 for wait in late) < 130


def test_what_comes_after_waits_too() -> None:
    first = next(n for n, wait in enumerate(waits(Stall(0.2))) if wait)
    chunks = [(n / 1000, bytes([n % 256])) for n in range(first + 2)]
    out = through(Stall(0.2), *chunks)
    assert out[first - 1][0] < 1
    assert out[first][0] >= 200
    assert out[first + 1][0] >= out[first][0]


def test_correlated_losses_come_in_bursts_and_are_as_many() -> None:
    def bursts(late: list[float]) -> float:
        lost = [wait > 0 for wait in late]
        return sum(a and b for a, b in itertools.pairwise(lost)) / sum(lost)

    assert bursts(waits(Stall(0.1, correlation=0.9))) > 2 * bursts(waits(Stall(0.1)))


def test_gives_up_losing_as_the_kernel_would() -> None:
    late = waits(Stall(0.999, for_ns=200 * MS))
    doubled = sum(min(200 * 2**n, 120_000) for n in range(MOST_RETRANSMISSIONS))
    assert max(late) >= doubled


def test_a_wait_above_the_longest_is_kept() -> None:
    assert 300_000 in waits(Stall(0.2, for_ns=300_000 * MS))


@pytest.mark.parametrize("settings", [(-0.1,), (1.0,), (0.1, -1), (0.1, 1, 1.0)])
def test_refuses_what_cannot_be(settings: tuple[float, ...]) -> None:
    with pytest.raises(PlanError, match="the stall fault is"):
        Stall(*settings)  # type: ignore[arg-type]
