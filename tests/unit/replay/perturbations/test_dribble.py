import pytest

from replay.errors import PlanError
from replay.perturbations import Dribble
from replay.plan import Pieces
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN


@pytest.mark.parametrize("step", [0, 2])
def test_a_step_takes_as_long_as_its_segments(step: int) -> None:
    plan = Dribble("c1", step, 5, 10 * MS).apply(PLAN)
    assert plan.step("c1", step).action.segments == Pieces(5, 10 * MS)  # type: ignore[union-attr]
    longer_ns = plan.step("c1", step).duration_ns - PLAN.step("c1", step).duration_ns
    assert longer_ns == 40 * MS


def test_an_end_has_nothing_to_cut() -> None:
    with pytest.raises(PlanError, match="expected a step that opens or sends"):
        Dribble("c1", 5, 5).apply(PLAN)


@pytest.mark.parametrize("pieces", [-1, 1, 10_001])
def test_so_many_pieces_are_refused(pieces: int) -> None:
    with pytest.raises(PlanError, match="2 to 10000 pieces"):
        Dribble("c1", 1, pieces)


def test_it_shrinks_to_two() -> None:
    assert [edit.pieces for edit in Dribble("c1", 1, 9).shrinks(PLAN)] == [2, 5]
    assert not list(Dribble("c1", 1, 2).shrinks(PLAN))
