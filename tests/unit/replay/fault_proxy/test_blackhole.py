from random import Random

import pytest

from replay.errors import PlanError
from replay.fault_proxy import Blackhole, Latency
from replay.fault_proxy.pipe import Pipe
from tests.unit.replay.captures import MS
from tests.unit.replay.fault_proxy.streams import ended_ms, through


def test_nothing_comes_through() -> None:
    assert through(Blackhole(), (0, b"a"), (5, b"b")) == []
    assert ended_ms(Blackhole(), 3) is None


def test_what_was_held_comes_when_it_is_lifted() -> None:
    pipe = Pipe()
    pipe.apply("hole", Blackhole(), Random(0))
    pipe.apply("late", Latency(5 * MS), Random(0))
    pipe.put(b"a", 0)
    pipe.put(b"b", 1)
    assert pipe.lift("hole", 90 * MS) == [(b"a", 95 * MS), (b"b", 95 * MS)]
    assert pipe.end(91 * MS) == 96 * MS


def test_it_may_end_the_connection() -> None:
    assert Blackhole(7 * MS).cuts_after_ns == 7 * MS
    with pytest.raises(PlanError, match="a close_after_ms of 0 or more, or none"):
        Blackhole(-1)
