import pytest

from replay.errors import PlanError
from replay.fault_proxy import ResetPeer
from tests.unit.replay.captures import MS
from tests.unit.replay.fault_proxy.streams import through


def test_bytes_pass_until_then() -> None:
    assert ResetPeer(30 * MS).cuts_after_ns == 30 * MS
    assert through(ResetPeer(30 * MS), (3, b"a")) == [(3, b"a")]


def test_before_it_began_is_refused() -> None:
    with pytest.raises(PlanError, match="an after_ms of 0 or more"):
        ResetPeer(-1)
