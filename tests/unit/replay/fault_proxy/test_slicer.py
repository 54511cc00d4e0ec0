import pytest

from replay.errors import PlanError
from replay.fault_proxy import Slicer
from tests.unit.replay.fault_proxy.streams import MS, through


def test_cuts_into_pieces_that_are_apart() -> None:
    out = through(Slicer(3, every_ns=5 * MS), (0, b"abcdefgh"), (7, b"ij"))
    assert out == [(0, b"abc"), (5, b"def"), (10, b"gh"), (15, b"ij")]


def test_sizes_vary_within_what_was_asked_for() -> None:
    data = bytes(range(250))
    out = through(Slicer(10, 4), (0, data))
    sizes = [len(piece) for _, piece in out]
    assert b"".join(piece for _, piece in out) == data
    assert min(sizes[:-1]) >= 6
    assert max(sizes) <= 14
    assert len(set(sizes)) > 3


@pytest.mark.parametrize("sizes", [(0, 0), (5, 5), (5, -1), (5, 1, -1)])
def test_refuses_what_cannot_be(sizes: tuple[int, ...]) -> None:
    with pytest.raises(PlanError, match="the slicer fault is"):
        Slicer(*sizes)
