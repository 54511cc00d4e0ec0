from itertools import pairwise

from replay.errors import PlanError
from replay.oracles.verdict import Verdict
from replay.perturbations import Gap, HandshakeDelay, perturbed
from replay.plan import START, After, Kind
from replay.planning import plan_from_capture
from replay.search.sweep import Sweep, anchors, candidates, flips
from tests.unit.replay.captures import MS, Connection, capture_of
from tests.unit.replay.virtual import Server, play

C1, C2 = Connection("c1"), Connection("c2")
TALK = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.sent(10, "a"),
        C1.said(30, "ok"),
        C1.sent(40, "b"),
        C1.said(60, "ok too"),
        C1.left(100),
    )
)
TWO = plan_from_capture(
    capture_of(
        C1.opened(0), C1.sent(20, "a"), C2.opened(30), C2.sent(50, "b"), C1.left(70), C2.left(90)
    )
)


def gaps(plan_step: int) -> list[Gap]:
    return [e for e in candidates(TALK) if isinstance(e, Gap) and e.step == plan_step]


def test_every_step_but_the_first_is_moved() -> None:
    moved = {(edit.connection, edit.step) for edit in candidates(TALK) if isinstance(edit, Gap)}
    assert moved == {("c1", 1), ("c1", 2), ("c1", 3)}


def test_gaps_of_nothing_come_first_and_goodbyes_last() -> None:
    first = [edit for edit in candidates(TALK)][:4]
    assert all(isinstance(edit, Gap) and edit.gap_ns == 0 for edit in first)
    assert [edit.step for edit in first][:3] == [1, 2, 2]


def test_handshakes_are_delayed() -> None:
    delays = [edit for edit in candidates(TALK) if isinstance(edit, HandshakeDelay)]
    assert {edit.connection for edit in delays} == {"c1"}
    assert len(delays) >= 3


def test_nothing_is_tried_twice() -> None:
    for plan in (TALK, TWO):
        edits = [edit for edit in candidates(plan)]
        assert len(edits) == len(set(edits))


def test_the_recorded_gap_is_not_tried() -> None:
    assert [g for g in gaps(1) if g.after.kind is Kind.OPEN and 8 * MS < g.gap_ns < 10 * MS] == []


def test_neighbours_differ_by_no_more_than_about_two() -> None:
    values = sorted({g.gap_ns for g in gaps(2) if g.after.kind is Kind.STEP and g.gap_ns >= MS})
    assert max(b / a for a, b in pairwise(values)) < 2.6


def test_a_step_may_follow_what_it_followed_or_what_the_client_did_before() -> None:
    events = [str(event) for event in anchors(TALK, TALK.step("c1", 2))]
    assert events == ["c1 message 1: ok", "c1 step 1"]
    assert anchors(TALK, TALK.step("c1", 1)) == (After(Kind.OPEN, "c1"),)


def test_a_step_may_follow_what_another_connection_did() -> None:
    assert After(Kind.STEP, "c1", 1) in anchors(TWO, TWO.step("c2", 0))
    assert START not in anchors(TWO, TWO.step("c1", 0))


def test_flips_put_a_step_on_both_sides_of_a_message() -> None:
    edits = list(flips(TALK, TALK.step("c1", 2)))
    assert all(edit.after == After(Kind.STEP, "c1", 1) for edit in edits)
    answer_ns = 20 * MS
    assert any(edit.gap_ns < answer_ns for edit in edits)
    assert any(edit.gap_ns > answer_ns for edit in edits)


def test_every_edit_can_be_carried_out() -> None:
    quiet = Server(lambda session, payload: session.say("ok"))
    for plan in (TALK, TWO):
        for edit in candidates(plan):
            try:
                play(perturbed(plan, [edit]), quiet)
            except PlanError as error:
                raise AssertionError(f"{edit} is refused") from error


def test_asks_for_one_after_the_other_and_remembers() -> None:
    sweep = Sweep(TALK)
    every = sweep.left
    first = sweep.ask()
    assert first is not None
    assert sweep.ask() == first
    sweep.tell(first, Verdict.PASS)
    assert sweep.left == every - 1
    assert sweep.told == [(first[0], Verdict.PASS)]
    while (edits := sweep.ask()) is not None:
        sweep.tell(edits, Verdict.PASS)
    assert len(sweep.told) == every
