import pytest

from replay.errors import PlanError
from replay.fault_proxy import Slot
from tests.unit.replay.fault_proxy.streams import MS, through


def test_what_came_apart_goes_on_together() -> None:
    out = through(Slot(20 * MS), (0, b"a"), (5, b"b"), (20, b"c"), (21, b"d"), (90, b"e"))
    assert out == [(20, b"a"), (20, b"b"), (20, b"c"), (41, b"d"), (110, b"e")]


def test_a_full_slot_leaves_the_rest_to_the_next() -> None:
    out = through(Slot(20 * MS, most_bytes=4), (0, b"abc"), (5, b"defghij"), (50, b"k"))
    assert out == [(20, b"abc"), (20, b"d"), (40, b"efgh"), (60, b"ij"), (60, b"k")]


def test_slots_vary_within_what_was_asked_for() -> None:
    out = through(Slot(20 * MS, 5 * MS), *[(n * 100, b"x") for n in range(100)])
    waits = [at - n * 100 for n, (at, _) in enumerate(out)]
    assert 15 <= min(waits) < max(waits) <= 25


@pytest.mark.parametrize("settings", [(0,), (5, 5), (5, -1), (5, 0, 0)])
def test_refuses_what_cannot_be(settings: tuple[int, ...]) -> None:
    with pytest.raises(PlanError, match="the slot fault is"):
        Slot(*settings)
