from dataclasses import replace

import pytest

from replay.errors import PlanError
from replay.plan import START, After, End, Ending, Fragment, Kind, Open, Pace, Plan, Send, Step
from tests.unit.replay.captures import MS

OPEN = Step("c1", 0, Open("ws://h/", ()), 0, START, 0)
SEND = Step(
    "c1",
    1,
    Send((Fragment(b"a"), Fragment(b"b", 5 * MS)), is_text=True),
    10 * MS,
    After(Kind.OPEN, "c1"),
    4 * MS,
)
END = Step("c1", 2, End(Ending.CLOSE, 1000), 20 * MS, After(Kind.STEP, "c1", 1), 10 * MS)
PLAN = Plan(
    {"c1": (OPEN, SEND, END)},
    secrets={},
    recorded_ns={START: 0, After(Kind.OPEN, "c1"): 6 * MS, After(Kind.CLOSED, "c1"): 30 * MS},
)


@pytest.mark.parametrize(
    "text",
    ["start", "c1 open", "c1 message 3", "c1 message 3: type=a: b", "c1 step 2", "c1 closed"],
)
def test_an_event_reads_back_what_it_wrote(text: str) -> None:
    assert str(After.parse(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "c1", "open", "c1 message", "c1 message x", "c1 message -1", "c1 opened", "a b c d"],
)
def test_an_event_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(PlanError, match="expected start, c1 open"):
        After.parse(text)


def test_a_message_takes_until_its_last_fragment() -> None:
    assert [step.duration_ns for step in PLAN.steps()] == [0, 5 * MS, 0]


def test_opening_takes_until_the_upgrade_is_asked_for() -> None:
    late = replace(OPEN, action=Open("ws://h/", (), upgrade_delay_ns=7 * MS))
    assert late.duration_ns == 7 * MS


def test_steps_have_names_for_people() -> None:
    names = [step.name for step in PLAN.steps()]
    assert names == ["c1 step 0 (open)", "c1 step 1 (message)", "c1 step 2 (end)"]


def test_a_step_being_done_is_an_event() -> None:
    assert str(SEND.as_event) == "c1 step 1"


def test_a_missing_connection_or_step_is_named() -> None:
    with pytest.raises(PlanError, match="no connection 'c9', only c1"):
        PLAN.step("c9", 0)
    with pytest.raises(PlanError, match="c1 has steps 0 to 2, there is no 3"):
        PLAN.step("c1", 3)
    with pytest.raises(PlanError, match="there is no -1"):
        PLAN.step("c1", -1)


def test_the_recorded_gap_counts_from_the_event() -> None:
    assert PLAN.recorded_gap_ns(SEND, After(Kind.OPEN, "c1")) == 4 * MS
    assert PLAN.recorded_gap_ns(SEND, START) == 10 * MS


def test_there_is_no_recorded_gap_to_what_came_later_or_never() -> None:
    assert PLAN.recorded_gap_ns(SEND, After(Kind.CLOSED, "c1")) is None
    assert PLAN.recorded_gap_ns(SEND, After(Kind.MESSAGE, "c1", 1)) is None


def test_a_replaced_step_leaves_the_original_plan_alone() -> None:
    other = Step("c1", 1, SEND.action, 10 * MS, START, 1)
    assert PLAN.with_steps([other]).step("c1", 1) is other
    assert PLAN.step("c1", 1) is SEND


def test_pace_changes_nothing_else() -> None:
    burst = PLAN.at_pace(Pace.BURST)
    assert burst.pace is Pace.BURST
    assert burst.connections == PLAN.connections
