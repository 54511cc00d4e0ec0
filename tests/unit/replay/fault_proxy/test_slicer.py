import pytest

from replay.errors import PlanError
from replay.fault_proxy import Slicer
from tests.unit.replay.captures import MS
from tests.unit.replay.fault_proxy.streams import through


def test_pieces_come_one_after_the_other() -> None:
    out = through(Slicer(4, every_ns=2 * MS), (0, b"0123456789"))
    assert out == [(0, b"0123"), (2, b"4567"), (4, b"89")]


def test_sizes_vary_within_their_bounds() -> None:
    data = bytes(range(256)) * 4
    sizes = [len(piece) for _, piece in through(Slicer(10, 5), (0, data))]
    assert sum(sizes) == len(data)
    assert set(sizes[:-1]) <= set(range(5, 16))
    assert len(set(sizes)) > 3


@pytest.mark.parametrize("size", [0, 3])
def test_pieces_of_nothing_are_refused(size: int) -> None:
    with pytest.raises(PlanError, match="a size_bytes above varies_bytes"):
        Slicer(size, 3)
