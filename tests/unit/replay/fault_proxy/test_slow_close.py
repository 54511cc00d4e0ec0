import pytest

from replay.errors import PlanError
from replay.fault_proxy import SlowClose
from tests.unit.replay.captures import MS
from tests.unit.replay.fault_proxy.streams import ended_ms, through


def test_only_the_end_is_late() -> None:
    assert through(SlowClose(80 * MS), (3, b"a")) == [(3, b"a")]
    assert ended_ms(SlowClose(80 * MS), 3) == 83


def test_before_its_time_is_refused() -> None:
    with pytest.raises(PlanError, match="a delay_ms of 0 or more"):
        SlowClose(-1)
