import pytest

from replay.errors import PlanError
from replay.fault_proxy import Bandwidth
from tests.unit.replay.fault_proxy.streams import through


def test_a_stream_takes_as_long_as_its_bytes() -> None:
    out = through(Bandwidth(1000), (0, b"x" * 100), (10, b"y" * 100))
    assert b"".join(data for _, data in out) == b"x" * 100 + b"y" * 100
    assert out[0] == (10, b"x" * 10)
    assert out[-1] == (200, b"y" * 10)


def test_a_rest_is_not_saved_up() -> None:
    out = through(Bandwidth(1000), (0, b"x" * 10), (500, b"y" * 10))
    assert out == [(10, b"x" * 10), (510, b"y" * 10)]


def test_one_byte_a_second_is_slow_and_whole() -> None:
    assert through(Bandwidth(1), (0, b"ab")) == [(1000, b"a"), (2000, b"b")]


def test_refuses_none_at_all() -> None:
    with pytest.raises(PlanError, match="above 0"):
        Bandwidth(0)
