"""What all ends before their time have in common."""

import pytest

from replay.errors import PlanError
from replay.perturbations import Align, EarlyClose, Gap, HalfClose, Reset, RestartServer
from replay.perturbations.cut import Cut
from replay.plan import After, End, Kind
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, capture_of
from tests.unit.replay.perturbations.sessions import C1, C2, PLAN

LAST = After(Kind.STEP, "c1", 4)


@pytest.mark.parametrize("kind", [Reset, HalfClose, EarlyClose])
def test_the_connection_ends_in_place_of_the_step(kind: type[Cut]) -> None:
    plan = kind("c1", 3, gap_ns=7 * MS).apply(PLAN)
    *before, end = plan.of("c1")
    assert tuple(before) == PLAN.of("c1")[:3]
    assert isinstance(end.action, End)
    assert (end.after, end.gap_ns, end.pinned, end.needs) == (
        After(Kind.STEP, "c1", 2),
        7 * MS,
        True,
        (),
    )
    assert (plan.owed_to("c1").replies, plan.owed_to("c1").ending) == (True, False)
    assert plan.of("c2") == PLAN.of("c2")


def test_others_are_told_otherwise_when_the_client_does_not_say_all() -> None:
    assert not Reset("c1", 3).apply(PLAN).owed_to("c2").alike
    assert Reset("c1", 3).apply(PLAN).owed_to("c2").ending
    # It had said everything.
    assert EarlyClose("c1", 5).apply(PLAN).owed_to("c2").is_all


def test_so_are_those_who_come_later_and_nobody_who_came_before() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C1.sent(20, "a"),
            C1.left(40),
            C2.opened(60),
            C2.sent(80, "b"),
            C2.left(90),
        )
    )
    assert not EarlyClose("c1", 1).apply(plan).owed_to("c2").alike
    assert EarlyClose("c1", 2).apply(plan).owed_to("c2").is_all
    assert EarlyClose("c2", 1).apply(plan).owed_to("c1").is_all


def test_a_reset_throws_away_what_the_server_had_no_time_to_read() -> None:
    assert not Reset("c1", 5, gap_ns=5 * MS).apply(PLAN).owed_to("c2").alike
    assert Reset("c1", 5, gap_ns=50 * MS).apply(PLAN).owed_to("c2").is_all


def test_it_may_follow_any_event() -> None:
    after = After(Kind.MESSAGE, "c2", 1, "ack x")
    edit = Reset("c1", 4, after)
    assert edit.anchor == "c2 message 1: ack x"
    assert edit.apply(PLAN).step("c1", 4).after == after


def test_what_followed_later_steps_follows_the_end() -> None:
    plan = Gap("c2", 1, LAST, 5 * MS).apply(PLAN)
    plan = RestartServer(LAST).apply(plan)
    cut = Reset("c1", 2).apply(plan)
    ended = After(Kind.STEP, "c1", 2)
    assert cut.step("c2", 1).after == ended
    assert [cue.after for cue in cut.cues] == [ended]


def test_nobody_waits_at_a_barrier_for_a_step_that_is_gone() -> None:
    aligned = Align((("c1", 4), ("c2", 1))).apply(PLAN)
    (barrier,) = Reset("c1", 2).apply(aligned).barriers
    assert barrier.members == (("c2", 1),)


@pytest.mark.parametrize("step", [0, -1])
def test_what_never_opened_cannot_end(step: int) -> None:
    with pytest.raises(PlanError, match="a step of 1 or more"):
        Reset("c1", step)
    with pytest.raises(PlanError, match="a gap_ms of 0 or more"):
        Reset("c1", 1, gap_ns=-1)


def test_it_may_come_before_the_handshake_is_answered_unless_it_speaks() -> None:
    assert not Reset("c1", 1).apply(PLAN).step("c1", 1).needs_open
    assert not EarlyClose("c1", 1, code=None).apply(PLAN).step("c1", 1).needs_open
    assert EarlyClose("c1", 1).apply(PLAN).step("c1", 1).needs_open
