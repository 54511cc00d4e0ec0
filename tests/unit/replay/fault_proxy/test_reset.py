import pytest

from replay.errors import PlanError
from replay.fault_proxy import Reset
from replay.fault_proxy.fault import Cut, Ending
from tests.unit.replay.fault_proxy.streams import MS, through


def test_bytes_pass_until_then() -> None:
    assert through(Reset(40 * MS), (1, b"x")) == [(1, b"x")]
    assert Reset(40 * MS).cut == Cut(40 * MS, Ending.RESET_BY_FAULT)
    assert Reset().cut == Cut(0, Ending.RESET_BY_FAULT)


def test_refuses_a_time_below_0() -> None:
    with pytest.raises(PlanError, match="0 or more"):
        Reset(-1)
