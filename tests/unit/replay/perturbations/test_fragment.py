import pytest

from replay.errors import PlanError
from replay.perturbations import Dribble, Refragment
from replay.plan import Send
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN


def test_a_message_takes_as_long_as_its_fragments() -> None:
    step = Refragment("c1", 2, 4, 10 * MS).apply(PLAN).step("c1", 2)
    assert isinstance(step.action, Send)
    assert step.action.offsets_ns == (0, 10 * MS, 20 * MS, 30 * MS)
    assert step.duration_ns == 30 * MS


def test_no_fragment_begins_within_the_one_before_it() -> None:
    slow = Dribble("c1", 2, 3, 20 * MS).apply(Refragment("c1", 2, 3, 10 * MS).apply(PLAN))
    step = slow.step("c1", 2)
    assert isinstance(step.action, Send)
    assert step.action.offsets_ns == (0, 40 * MS, 80 * MS)
    assert step.duration_ns == 120 * MS


@pytest.mark.parametrize("step", [0, 5])
def test_only_messages_have_fragments(step: int) -> None:
    with pytest.raises(PlanError, match="expected a step that sends a message"):
        Refragment("c1", step, 2).apply(PLAN)


@pytest.mark.parametrize("pieces", [0, 10_001])
def test_so_many_pieces_are_refused(pieces: int) -> None:
    with pytest.raises(PlanError, match="1 to 10000 pieces"):
        Refragment("c1", 1, pieces)
