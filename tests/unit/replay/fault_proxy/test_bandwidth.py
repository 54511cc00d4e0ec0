import pytest

from replay.errors import PlanError
from replay.fault_proxy import Bandwidth
from tests.unit.replay.fault_proxy.streams import through


def test_so_many_bytes_a_second() -> None:
    out = through(Bandwidth(10_000), (0, b"x" * 1_000), (10, b"y" * 500))
    assert out[-1][0] == pytest.approx(150)
    assert b"".join(data for _, data in out) == b"x" * 1_000 + b"y" * 500
    assert out[0][0] == pytest.approx(10)


def test_a_pause_is_not_saved_up() -> None:
    out = through(Bandwidth(1_000), (0, b"a"), (5_000, b"b" * 100))
    assert out[-1][0] == pytest.approx(5_100)


def test_nothing_a_second_is_a_black_hole() -> None:
    with pytest.raises(PlanError, match="a bytes_per_s above 0"):
        Bandwidth(0)
