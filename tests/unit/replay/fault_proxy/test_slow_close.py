import pytest

from replay.errors import PlanError
from replay.fault_proxy import SlowClose
from replay.fault_proxy.fault import Ending
from tests.unit.replay.fault_proxy.streams import MS, ended_ms, through


def test_only_a_fin_is_late() -> None:
    fault = SlowClose(80 * MS)
    assert ended_ms(fault, at_ms=5) == 85
    assert ended_ms(fault, Ending.RESET, at_ms=5) == 5
    assert through(fault, (1, b"x")) == [(1, b"x")]


def test_refuses_a_time_below_0() -> None:
    with pytest.raises(PlanError, match="0 or more"):
        SlowClose(-1)
