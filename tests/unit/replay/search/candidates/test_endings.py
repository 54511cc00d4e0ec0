from replay.perturbations import EarlyClose, HalfClose, Reset
from replay.plan import After, Kind
from replay.search.candidates.endings import endings
from tests.unit.replay.search.plans import TALK

EDITS = [edit for _, edit in endings(TALK)]


def test_every_step_but_the_opening_is_cut_in_each_way() -> None:
    for kind in (Reset, EarlyClose, HalfClose):
        assert {edit.step for edit in EDITS if type(edit) is kind} == {1, 2, 3}


def test_a_client_is_gone_before_the_handshake_is_answered_and_just_after() -> None:
    assert Reset("c1", 1) in EDITS
    assert Reset("c1", 1, After(Kind.OPEN, "c1")) in EDITS


def test_tcp_ends_without_a_close_frame_too() -> None:
    assert EarlyClose("c1", 2, code=None) in EDITS


def test_no_client_comes_back_in_the_middle() -> None:
    assert {type(edit) for edit in EDITS} == {Reset, EarlyClose, HalfClose}
