from replay.perturbations import Dribble, Refragment
from replay.search.candidates.segments import segments
from tests.unit.replay.search.plans import TALK

EDITS = [edit for _, edit in segments(TALK)]


def test_the_upgrade_request_and_messages_are_dribbled() -> None:
    assert {edit.step for edit in EDITS if isinstance(edit, Dribble)} == {0, 1, 2}


def test_messages_are_fragmented() -> None:
    assert {edit.step for edit in EDITS if isinstance(edit, Refragment)} == {1, 2}
