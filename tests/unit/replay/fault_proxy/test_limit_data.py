from random import Random

import pytest

from replay.errors import PlanError
from replay.fault_proxy import LimitData
from replay.fault_proxy.pipe import Pipe
from tests.unit.replay.fault_proxy.streams import through


def test_so_many_bytes_come_through() -> None:
    out = through(LimitData(5), (0, b"abc"), (1, b"defg"), (2, b"h"))
    assert b"".join(data for _, data in out) == b"abcde"


def test_then_the_connection_is_cut() -> None:
    pipe = Pipe()
    pipe.apply("limit", LimitData(2), Random(0))
    pipe.put(b"a", 0)
    assert not pipe.is_cut
    pipe.put(b"b", 0)
    assert pipe.is_cut


def test_less_than_nothing_is_refused() -> None:
    with pytest.raises(PlanError, match="a most_bytes of 0 or more"):
        LimitData(-1)
