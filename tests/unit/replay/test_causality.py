"""What steps wait for can be read, written and changed."""

from dataclasses import replace
from typing import Any

import pytest

from replay.causality import Waits, causality_of, correlated, with_causality, with_needs_of_links
from replay.correlation import Correlation, Link, Sink, Source
from replay.errors import PlanError
from replay.events import After, Kind
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")
WELCOME = After(Kind.MESSAGE, "c1", 1, "type=welcome")
OPEN = After(Kind.OPEN, "c1")
PLAN = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.said(5, {"type": "welcome", "session": "s-1f2e"}),
        C1.sent(20, {"type": "ask"}),
        C1.sent(30, {"type": "ask", "session": "s-1f2e"}),
        C1.left(50),
    )
)


def test_every_step_says_what_it_waits_for() -> None:
    waits = causality_of(PLAN)
    assert [(each.step, str(each.after), each.gap_ms) for each in waits] == [
        (0, "start", 0.0),
        (1, "c1 message 1: type=welcome", 15.0),
        (2, "c1 step 1", 10.0),
        (3, "c1 step 2", 20.0),
    ]
    assert [each.needs for each in waits] == [(), (), (WELCOME,), ()]


def test_round_trip() -> None:
    for waits in causality_of(PLAN):
        assert Waits.from_json(waits.to_json()) == waits
    assert with_causality(PLAN, causality_of(PLAN)) == PLAN


def test_a_step_made_to_wait_for_something_else_keeps_its_recorded_gap() -> None:
    step = with_causality(PLAN, [Waits("c1", 1, OPEN)]).step("c1", 1)
    assert (step.after, step.gap_ns, step.needs) == (OPEN, 19 * MS, ())


def test_gap_and_needs_by_hand() -> None:
    waits = Waits("c1", 1, OPEN, 2.5, (WELCOME,))
    step = with_causality(PLAN, [waits]).step("c1", 1)
    assert (step.after, step.gap_ns, step.needs) == (OPEN, 2_500_000, (WELCOME,))


def test_what_its_links_need_a_step_needs_in_any_case() -> None:
    bare = with_causality(PLAN, [Waits("c1", 2, OPEN, needs=(OPEN,))])
    assert bare.step("c1", 2).needs == (OPEN,)
    assert with_needs_of_links(bare).step("c1", 2).needs == (OPEN, WELCOME)


def test_other_links_bring_other_needs() -> None:
    link = Link(Source(WELCOME, "$.session"), (Sink("c1", 1, "payload", "$.type"),))
    changed = correlated(PLAN, Correlation((link,)))
    assert [step.needs for step in changed.steps()] == [(), (WELCOME,), (), ()]
    assert changed.correlation.links == (link,)


def test_a_step_that_would_wait_for_a_later_one_is_refused() -> None:
    with pytest.raises(PlanError, match="cannot follow c1 step 2"):
        with_causality(PLAN, [Waits("c1", 1, After(Kind.STEP, "c1", 2))])


ENTRY: dict[str, Any] = {"connection": "c1", "step": 1, "after": "c1 open"}


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({}, "expected a connection, a step and an after"),
        (ENTRY | {"step": "1"}, "expected a connection, a step and an after"),
        (ENTRY | {"after": "soon"}, "after is 'soon'"),
        (ENTRY | {"gap_ms": -1}, "gap_ms is -1"),
        (ENTRY | {"gap_ms": True}, "gap_ms is True"),
        (ENTRY | {"needs": "c1 open"}, "needs is 'c1 open'"),
        (ENTRY | {"needs": ["soon"]}, "after is 'soon'"),
    ],
)
def test_refuses_what_is_no_entry(entry: dict[str, Any], complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        Waits.from_json(entry)


def test_what_is_left_out_stays() -> None:
    waits = Waits.from_json(ENTRY)
    assert waits == Waits("c1", 1, OPEN)
    assert waits.to_json() == ENTRY
    kept = with_causality(PLAN, [replace(waits, after=WELCOME)]).step("c1", 1)
    assert kept == PLAN.step("c1", 1)
