from random import Random

import pytest

from replay.errors import PlanError
from replay.fault_proxy import Blackhole
from replay.fault_proxy.fault import NEVER, Cut, Ending
from tests.unit.replay.fault_proxy.streams import MS, ended_ms


def test_nothing_comes_by_itself() -> None:
    assert Blackhole().stage(Random(0)).data(b"x", 5) == [(b"x", NEVER)]
    assert ended_ms(Blackhole()) is None
    assert ended_ms(Blackhole(), Ending.RESET) is None


def test_closes_after_a_time_if_that_was_asked_for() -> None:
    assert Blackhole().cut is None
    assert Blackhole(5 * MS).cut == Cut(5 * MS, Ending.CLOSED_BY_FAULT)
    assert Blackhole(0).cut == Cut(0, Ending.CLOSED_BY_FAULT)


def test_refuses_a_time_below_0() -> None:
    with pytest.raises(PlanError, match="0 or more, or none"):
        Blackhole(-1)
