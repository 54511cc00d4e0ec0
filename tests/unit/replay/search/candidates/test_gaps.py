from itertools import pairwise

from replay.perturbations import Gap, HandshakeDelay
from replay.plan import START, After, Kind
from replay.search.candidates.gaps import anchors, flips_of, gaps, handshakes
from tests.unit.replay.captures import MS
from tests.unit.replay.search.plans import TALK, TWO


def gaps_of(plan_step: int) -> list[Gap]:
    return [edit for _, edit in gaps(TALK) if isinstance(edit, Gap) and edit.step == plan_step]


def test_every_step_but_the_first_is_moved() -> None:
    moved = {(edit.connection, edit.step) for _, edit in gaps(TALK)}
    assert moved == {("c1", 1), ("c1", 2), ("c1", 3)}


def test_gaps_of_nothing_come_first_and_goodbyes_last() -> None:
    first = [edit for _, edit in gaps(TALK)][:4]
    assert all(isinstance(edit, Gap) and edit.gap_ns == 0 for edit in first)
    assert [edit.step for edit in first][:3] == [1, 2, 2]


def test_handshakes_are_delayed() -> None:
    delays = [edit for _, edit in handshakes(TALK)]
    assert all(isinstance(edit, HandshakeDelay) for edit in delays)
    assert {edit.connection for edit in delays} == {"c1"}
    assert len(delays) >= 3


def test_the_recorded_gap_is_not_tried() -> None:
    assert [
        g for g in gaps_of(1) if g.after.kind is Kind.OPEN and 8 * MS < g.gap_ns < 10 * MS
    ] == []


def test_neighbours_differ_by_no_more_than_about_two() -> None:
    values = sorted({g.gap_ns for g in gaps_of(2) if g.after.kind is Kind.STEP and g.gap_ns >= MS})
    assert max(b / a for a, b in pairwise(values)) < 2.6


def test_a_step_may_follow_what_it_followed_or_what_the_client_did_before() -> None:
    events = [str(event) for event in anchors(TALK, TALK.step("c1", 2))]
    assert events == ["c1 message 1: ok", "c1 step 1"]
    assert anchors(TALK, TALK.step("c1", 1)) == (After(Kind.OPEN, "c1"),)


def test_a_step_may_follow_what_another_connection_did() -> None:
    assert After(Kind.STEP, "c1", 1) in anchors(TWO, TWO.step("c2", 0))
    assert START not in anchors(TWO, TWO.step("c1", 0))


def test_flips_put_a_step_on_both_sides_of_a_message() -> None:
    edits = list(flips_of(TALK, TALK.step("c1", 2)))
    assert all(edit.after == After(Kind.STEP, "c1", 1) for edit in edits)
    answer_ns = 20 * MS
    assert any(edit.gap_ns < answer_ns for edit in edits)
    assert any(edit.gap_ns > answer_ns for edit in edits)
