from collections.abc import Callable
from random import Random

import pytest

from replay.oracles.verdict import Verdict
from replay.perturbations import Gap
from replay.plan import After, Kind
from replay.search import Edits
from replay.search.shrink import Shrink

TWENTY: Edits = tuple(Gap("c1", step, After(Kind.OPEN, "c1"), 0) for step in range(1, 21))


def shrunk(
    failing: Edits, fails: Callable[[set[int]], bool], repeats: int = 1
) -> tuple[set[int], int]:
    """Return the steps of what is left, and how many runs it took."""
    shrink, runs = Shrink(failing, repeats), 0
    while (edits := shrink.ask()) is not None:
        assert 0 < len(edits) < len(shrink.failing)
        runs += 1
        shrink.tell(edits, Verdict.FAIL if fails({e.step for e in edits}) else Verdict.PASS)
    return {edit.step for edit in shrink.failing}, runs


def test_one_edit_is_not_shrunk() -> None:
    assert shrunk(TWENTY[:1], lambda steps: True) == ({1}, 0)


@pytest.mark.parametrize("needed", [{3}, {20}, {1, 2}, {1, 20}, {4, 11, 17}])
def test_what_it_takes_is_left(needed: set[int]) -> None:
    assert shrunk(TWENTY, lambda steps: needed <= steps)[0] == needed


def test_few_runs_for_one_of_many() -> None:
    assert shrunk(TWENTY, lambda steps: 13 in steps)[1] <= 12


def test_a_pair_takes_a_run_for_each() -> None:
    assert shrunk(TWENTY[:2], lambda steps: steps == {1, 2}) == ({1, 2}, 2)


def test_what_fails_now_and_then_is_asked_several_times() -> None:
    chance = Random(4).random
    needed = {4, 11}
    left, _ = shrunk(TWENTY, lambda steps: needed <= steps and chance() < 0.7, repeats=6)
    assert left == needed


def test_an_unknown_run_keeps_an_edit() -> None:
    shrink = Shrink(TWENTY[:2])
    while (edits := shrink.ask()) is not None:
        shrink.tell(edits, Verdict.UNKNOWN)
    assert shrink.failing == TWENTY[:2]
