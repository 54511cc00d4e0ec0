from itertools import pairwise

import pytest

from replay.errors import PlanError
from replay.fault_proxy import Stall
from tests.unit.replay.captures import MS
from tests.unit.replay.fault_proxy.streams import through

CHUNKS = [(10.0 * n, bytes([n % 256])) for n in range(2_000)]


def test_a_share_of_the_chunks_waits_and_holds_up_those_after_it() -> None:
    out = through(Stall(0.05, 200 * MS), *CHUNKS)
    late = [at - sent for (at, _), (sent, _) in zip(out, CHUNKS, strict=True)]
    assert max(late) >= 200
    began = sum(a == 0 and b >= 190 for a, b in pairwise(late))
    assert 15 < began < 100
    assert [data for _, data in out] == [data for _, data in CHUNKS]


def test_without_a_chance_nothing_waits() -> None:
    assert through(Stall(0), *CHUNKS) == CHUNKS


@pytest.mark.parametrize("probability", [-0.1, 1.0])
def test_for_ever_is_refused(probability: float) -> None:
    with pytest.raises(PlanError, match="a probability from 0 to below 1"):
        Stall(probability)
