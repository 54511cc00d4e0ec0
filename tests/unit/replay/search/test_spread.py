"""A failing order of steps, tried again with the steps far apart."""

import pytest

from replay.plan import After, Kind
from replay.planning import plan_from_capture
from replay.search.spread import Course, Times, orders, reordered, spread
from tests.unit.replay.captures import Connection, capture_of

GAP_NS = 300_000_000

first, second = Connection("c1"), Connection("c2")
PLAN = plan_from_capture(
    capture_of(
        first.opened(0),
        second.opened(5),
        first.sent(100, {"type": "set"}),
        second.sent(200, {"type": "get"}),
        first.left(300),
        second.left(310),
    )
)
AS_RECORDED: Times = {
    ("c1", 0): 0,
    ("c2", 0): 1,
    ("c1", 1): 2,
    ("c2", 1): 3,
    ("c1", 2): 4,
    ("c2", 2): 5,
}
GET_FIRST: Times = {**AS_RECORDED, ("c2", 1): 2, ("c1", 1): 3}


def test_the_recorded_order_is_no_reordering_however_it_is_timed() -> None:
    late = {name: at_ns * 1_000 for name, at_ns in AS_RECORDED.items()}
    assert not reordered(PLAN, AS_RECORDED)
    assert not reordered(PLAN, late)


def test_a_step_before_one_of_another_connection_is_a_reordering() -> None:
    assert reordered(PLAN, GET_FIRST)


def test_steps_that_were_not_taken_do_not_count() -> None:
    assert not reordered(PLAN, {("c1", 0): 0, ("c2", 1): 3})


def test_spread_keeps_the_order_of_the_run() -> None:
    edits = spread(PLAN, GET_FIRST, GAP_NS)
    assert [(edit.connection, edit.step, str(edit.after)) for edit in edits] == [
        ("c2", 0, "c1 step 0"),
        ("c2", 1, "c2 step 0"),
        ("c1", 1, "c2 step 1"),
        ("c1", 2, "c1 step 1"),
        ("c2", 2, "c1 step 2"),
    ]
    assert {edit.gap_ns for edit in edits} == {GAP_NS}


def test_spread_edits_can_be_applied() -> None:
    plan = PLAN
    for edit in spread(PLAN, GET_FIRST, GAP_NS):
        plan = edit.apply(plan)
    assert plan.step("c1", 1).after == After(Kind.STEP, "c2", 1)


# When each step was taken, as recorded, in nanoseconds.
IN_TIME: Times = {(step.connection, step.index): step.recorded_at_ns for step in PLAN.steps()}
MS = 1_000_000


USUAL = Course(IN_TIME, {("c1", 1): 150 * MS})


def test_the_recorded_order_explains_nothing() -> None:
    assert list(orders(PLAN, USUAL, USUAL)) == []


def test_another_order_may_explain_what_it_brought() -> None:
    assert list(orders(PLAN, Course(GET_FIRST, {}), USUAL)) == [GET_FIRST]


@pytest.mark.parametrize("answered_ms", [150, 250])
def test_who_asks_before_somebody_else_was_answered_may_have_been_first(answered_ms: int) -> None:
    # When recorded, too, it came before the later answer.
    soon: Times = {**IN_TIME, ("c2", 1): 120 * MS}
    (first_of_both,) = orders(PLAN, Course(soon, {("c1", 1): answered_ms * MS}), USUAL)
    assert first_of_both["c2", 1] < first_of_both["c1", 1]


def test_who_usually_asks_before_somebody_else_was_answered_may_be_later_now() -> None:
    usual = Course(IN_TIME, {("c1", 1): 250 * MS})
    assert list(orders(PLAN, USUAL, usual)) == [IN_TIME]


def test_who_hurries_keeps_the_gap_to_the_step_before_of_its_own() -> None:
    hurried = {("c1", 1): 7 * MS, ("c2", 2): 7 * MS}
    one_by_one: Times = {**AS_RECORDED, ("c1", 2): 2, ("c1", 1): 2}
    edits = spread(PLAN, one_by_one, GAP_NS, hurried)
    assert {(edit.connection, edit.step): edit.gap_ns for edit in edits} == {
        ("c2", 0): GAP_NS,
        ("c1", 1): GAP_NS,
        ("c1", 2): GAP_NS,
        ("c2", 1): GAP_NS,
        ("c2", 2): 7 * MS,
    }
