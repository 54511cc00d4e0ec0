"""Scripts of events and actions: what happened when, and what is due then."""

from __future__ import annotations

from dataclasses import replace

import pytest

from replay.engine.core import EngineCore, GaveUp
from replay.perturbations import Gap, HandshakeDelay, perturbed
from replay.plan import START, After, Kind, Pace, Plan
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")
# One connection: open at 0, answered at 1, then a (10), its answer (30), b that uses it (40), end.
TALK = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.sent(10, "a"),
        C1.said(30, {"id": "ticket-4711"}),
        C1.sent(40, {"use": "ticket-4711"}),
        C1.sent(55, "c"),
        C1.left(100),
    )
)
ANSWER = After(Kind.MESSAGE, "c1", 1, "with id")
PATIENCE_MS = 1_000


class Script:
    """An engine core, spoken to in milliseconds and the text of events."""

    def __init__(self, plan: Plan) -> None:
        self.core = EngineCore(plan, PATIENCE_MS * MS)
        self.plan = plan

    def happened(self, event: str, at_ms: float) -> None:
        self.core.happened(After.parse(event), round(at_ms * MS))

    def taken(self, connection: str, index: int, at_ms: float) -> None:
        self.core.taken(self.plan.step(connection, index), round(at_ms * MS))

    def over(self, connection: str, at_ms: float) -> list[int]:
        return [step.index for step in self.core.over(connection, round(at_ms * MS))]

    def due(self) -> list[tuple[float, str, int]]:
        due = self.core.next_due()
        return [] if due is None else [(due.at_ns / MS, due.step.connection, due.step.index)]

    def give_up(self, now_ms: float) -> list[GaveUp]:
        return self.core.give_up(round(now_ms * MS))

    @property
    def patience_ends_ms(self) -> float | None:
        at_ns = self.core.next_give_up_ns()
        return None if at_ns is None else at_ns / MS


def opened(plan: Plan, at_ms: float = 0, answered_ms: float = 1) -> Script:
    script = Script(plan)
    script.taken("c1", 0, at_ms)
    script.happened("c1 open", answered_ms)
    return script


def test_a_run_begins_with_opening() -> None:
    script = Script(TALK)
    assert script.due() == [(0, "c1", 0)]
    assert not script.core.is_finished


@pytest.mark.parametrize("pace", list(Pace))
def test_nothing_is_sent_before_the_handshake_is_answered(pace: Pace) -> None:
    script = Script(TALK.at_pace(pace))
    script.taken("c1", 0, 0)
    assert script.due() == []


def test_causal_keeps_the_gap_to_what_the_step_followed() -> None:
    script = opened(TALK, answered_ms=21)
    assert script.due() == [(30, "c1", 1)]
    script.taken("c1", 1, 30)
    assert script.due() == []
    script.happened("c1 message 1: with id", 90)
    assert script.due() == [(100, "c1", 2)]


def test_recorded_keeps_the_time_since_the_start() -> None:
    script = opened(TALK.at_pace(Pace.RECORDED), answered_ms=5)
    assert script.due() == [(10, "c1", 1)]
    # A send that was late moves nothing that comes after it.
    script.taken("c1", 1, 17)
    script.happened("c1 message 1: with id", 20)
    assert script.due() == [(40, "c1", 2)]


def test_recorded_does_not_wait_for_what_is_not_needed() -> None:
    plan = plan_from_capture(
        capture_of(C1.opened(0), C1.sent(10, "a"), C1.said(20, "ok"), C1.sent(30, "b"), C1.left(50))
    )
    script = opened(plan.at_pace(Pace.RECORDED))
    script.taken("c1", 1, 10)
    assert script.due() == [(30, "c1", 2)]


def test_burst_sends_as_soon_as_it_is_legal() -> None:
    script = opened(TALK.at_pace(Pace.BURST), answered_ms=7)
    assert script.due() == [(7, "c1", 1)]
    script.taken("c1", 1, 8)
    assert script.due() == []
    script.happened("c1 message 1: with id", 12)
    assert script.due() == [(12, "c1", 2)]
    script.taken("c1", 2, 12)
    assert script.due() == [(12, "c1", 3)]


@pytest.mark.parametrize("pace", list(Pace))
def test_what_a_step_echoes_has_to_come_first(pace: Pace) -> None:
    script = opened(TALK.at_pace(pace))
    script.taken("c1", 1, 10)
    assert script.due() == []
    script.happened("c1 message 1: with id", 300)
    assert script.due()[0][0] >= 300


def test_a_gap_of_zero_does_not_wait_for_the_answer_unless_it_is_needed() -> None:
    moved = Gap("c1", 3, After(Kind.STEP, "c1", 2), 0).apply(TALK)
    needy = Gap("c1", 2, After(Kind.STEP, "c1", 1), 0).apply(TALK)
    script = opened(moved)
    script.taken("c1", 1, 10)
    script.happened(str(ANSWER), 30)
    script.taken("c1", 2, 40)
    assert script.due() == [(40, "c1", 3)]
    script = opened(needy)
    script.taken("c1", 1, 10)
    assert script.due() == []
    script.happened(str(ANSWER), 30)
    assert script.due() == [(30, "c1", 2)]


@pytest.mark.parametrize("pace", list(Pace))
def test_an_edit_holds_under_every_pace(pace: Pace) -> None:
    script = opened(Gap("c1", 1, After(Kind.OPEN, "c1"), 70 * MS).apply(TALK).at_pace(pace))
    assert script.due() == [(71, "c1", 1)]


def test_the_next_message_waits_for_the_last_fragment() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C1.sent(10, "a", fin=False),
            C1.sent(30, "b", opcode="continuation"),
            C1.sent(31, "c"),
            C1.left(50),
        )
    )
    script = opened(plan.at_pace(Pace.BURST))
    script.taken("c1", 1, 5)
    assert script.due() == [(25, "c1", 2)]


def test_the_earliest_step_of_all_connections_comes_first() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0), C2.opened(5), C1.sent(20, "a"), C2.sent(9, "b"), C1.left(40), C2.left(40)
        )
    )
    script = Script(plan)
    script.taken("c1", 0, 0)
    assert script.due() == [(5, "c2", 0)]
    script.taken("c2", 0, 5)
    script.happened("c1 open", 1)
    script.happened("c2 open", 6)
    assert script.due() == [(9, "c2", 1)]
    script.taken("c2", 1, 9)
    assert script.due() == [(20, "c1", 1)]


def test_the_first_time_that_something_happens_counts() -> None:
    script = opened(TALK)
    script.happened("c1 open", 500)
    assert script.due() == [(10, "c1", 1)]


def test_patience_is_what_it_took_when_recorded_and_more() -> None:
    script = opened(TALK)
    script.taken("c1", 1, 10)
    assert script.patience_ends_ms == 10 + 20 + PATIENCE_MS
    assert script.give_up(1029) == []


def test_a_step_that_needs_what_does_not_come_is_dropped_with_those_after_it() -> None:
    script = opened(TALK)
    script.taken("c1", 1, 10)
    (given_up,) = script.give_up(1030)
    assert (given_up.step.index, given_up.waited_for, given_up.dropped) == (2, ANSWER, True)
    # Only the goodbye is left, at its gap after the step that was dropped before it.
    assert script.due() == [(1075, "c1", 4)]


def test_who_waits_for_what_another_client_brings_waits_as_long_as_that_one_is_late() -> None:
    recorded = plan_from_capture(
        capture_of(
            C1.opened(0),
            C2.opened(0),
            C2.sent(40, "hello c1"),
            C1.said(45, "hello from c2"),
            C1.sent(50, "and to you"),
            C1.left(60),
            C2.left(70),
        )
    )
    late = Gap("c2", 1, After(Kind.OPEN, "c2"), 5_000 * MS)
    plan = perturbed(recorded, [late])
    script = Script(plan)
    for name in ("c1", "c2"):
        script.taken(name, 0, 0)
        script.happened(f"{name} open", 1)
    assert script.due() == [(5_001, "c2", 1)]
    assert script.give_up(1_500) == []
    assert script.patience_ends_ms == 5_001 + PATIENCE_MS
    # c2 has said it, and nobody was told.
    script.taken("c2", 1, 5_001)
    (given_up,) = script.give_up(5_001 + PATIENCE_MS)
    assert given_up.step.connection == "c1"


def test_a_step_that_only_followed_goes_on_without() -> None:
    plan = plan_from_capture(
        capture_of(C1.opened(0), C1.sent(10, "a"), C1.said(20, "ok"), C1.sent(30, "b"), C1.left(50))
    )
    script = opened(plan)
    script.taken("c1", 1, 10)
    (given_up,) = script.give_up(1020)
    assert not given_up.dropped
    assert script.due() == [(1030, "c1", 2)]


def test_what_one_step_stopped_waiting_for_is_still_needed_by_another() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C1.said(10, {"id": "ticket-4711"}),
            C1.sent(15, "thanks"),
            C1.sent(20, {"use": "ticket-4711"}),
            C1.left(50),
        )
    )
    script = opened(plan)
    assert script.patience_ends_ms == 10 + PATIENCE_MS
    script.give_up(1010)
    assert script.due() == [(1015, "c1", 1)]
    script.taken("c1", 1, 1015)
    assert script.due() == []


def test_a_handshake_without_an_answer_ends_the_connection() -> None:
    script = Script(TALK)
    script.taken("c1", 0, 0)
    (given_up,) = script.give_up(PATIENCE_MS + 1)
    assert (given_up.waited_for, given_up.dropped) == (After(Kind.OPEN, "c1"), True)
    assert script.due() == []
    assert script.patience_ends_ms is None
    script.over("c1", 1_500)
    assert script.core.is_finished


def test_patience_with_a_handshake_begins_when_it_is_asked_for() -> None:
    script = Script(HandshakeDelay("c1", 3_000 * MS).apply(TALK))
    script.taken("c1", 0, 0)
    assert script.patience_ends_ms == 3_000 + 1 + PATIENCE_MS


def test_the_end_of_a_connection_leaves_its_steps_undone() -> None:
    script = opened(TALK)
    script.taken("c1", 1, 10)
    assert script.over("c1", 15) == [2, 3]
    assert script.due() == []
    assert script.core.is_finished
    assert script.over("c1", 16) == []


def test_a_goodbye_into_an_ended_connection_is_nothing_lost() -> None:
    script = opened(TALK)
    for index, at_ms in ((1, 10), (2, 40), (3, 55)):
        script.taken("c1", index, at_ms)
    assert script.over("c1", 60) == []


RECONNECT = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.sent(60_000, "a"),
        C1.left(60_010),
        C2.opened(60_100),
        C2.sent(60_200, "b"),
        C2.left(60_300),
    )
)


def test_a_reconnect_waits_for_the_end_however_long_it_takes() -> None:
    script = opened(RECONNECT)
    assert script.give_up(50_000) == []
    assert script.give_up(70_000) == []
    script.taken("c1", 1, 90_000)
    script.taken("c1", 2, 90_010)
    assert script.give_up(95_000) == []
    script.over("c1", 95_500)
    assert script.due() == [(95_588, "c2", 0)]


def test_what_waits_for_steps_of_an_ended_connection_waits_no_longer() -> None:
    plan = Gap("c2", 1, After(Kind.STEP, "c1", 1), 5 * MS).apply(RECONNECT)
    script = opened(plan)
    assert script.over("c1", 20) == [1]
    assert script.due() == [(108, "c2", 0)]
    script.taken("c2", 0, 108)
    script.happened("c2 open", 111)
    assert script.due() == [(111, "c2", 1)]


def test_two_steps_that_wait_for_each_other_go_on_after_a_while() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0), C2.opened(0), C1.sent(20, "a"), C2.sent(20, "b"), C1.left(40), C2.left(40)
        )
    )
    edits = [Gap("c1", 1, After(Kind.STEP, "c2", 1), 0), Gap("c2", 1, After(Kind.STEP, "c1", 1), 0)]
    script = opened(perturbed(plan, edits))
    script.taken("c2", 0, 0)
    script.happened("c2 open", 1)
    assert script.due() == []
    assert script.patience_ends_ms is not None
    (given_up,) = script.give_up(script.patience_ends_ms)
    assert given_up.step.connection == "c1"
    assert script.due() == [(1_020, "c1", 1)]
    script.taken("c1", 1, 1_020)
    assert script.due() == [(1_020, "c2", 1)]


def test_a_message_of_another_connection_is_waited_for_until_its_recorded_time() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C2.opened(0),
            C2.said(9_000, "go"),
            C1.sent(10, "a"),
            C1.left(9_500),
            C2.left(9_500),
        )
    )
    event = After(Kind.MESSAGE, "c2", 1, "go")
    script = opened(Gap("c1", 1, event, 0).apply(plan))
    script.taken("c2", 0, 0)
    script.happened("c2 open", 1)
    ends_ms = script.patience_ends_ms
    assert ends_ms == 9_000 + PATIENCE_MS
    assert {given_up.waited_for for given_up in script.give_up(ends_ms)} == {event}
    assert script.due()[0] == (ends_ms, "c1", 1)


def test_a_plan_by_hand_may_follow_the_start() -> None:
    first = TALK.step("c1", 0)
    plan = TALK.with_steps([replace(first, after=START, gap_ns=5 * MS)])
    assert Script(plan).due() == [(5, "c1", 0)]


def test_steps_are_what_the_plan_has() -> None:
    script = opened(TALK)
    due = script.core.next_due()
    assert due is not None
    assert due.step is TALK.step("c1", 1)


def test_an_opening_whose_value_never_comes_is_over() -> None:
    welcome = After(Kind.MESSAGE, "c1", 1, "type=welcome")
    first, second = Connection("c1"), Connection("c2")
    plan = plan_from_capture(
        capture_of(
            first.opened(0),
            first.said(5, {"type": "welcome", "session": "s-1f2e"}),
            second.request(20, "ws://h/ws?session=s-1f2e"),
            second.response(21),
            second.left(40),
            first.left(60),
        )
    )
    core = EngineCore(plan, 100 * MS)
    core.taken(plan.step("c1", 0), 0)
    core.happened(After(Kind.OPEN, "c1"), 1 * MS)
    (given_up,) = (each for each in core.give_up(500 * MS) if each.step.connection == "c2")
    assert (given_up.step.connection, given_up.waited_for, given_up.dropped) == (
        "c2",
        welcome,
        True,
    )
    core.over("c1", 600 * MS)
    assert core.is_finished


def test_who_waits_for_what_another_connection_must_bring_about_first_is_patient() -> None:
    first, second = Connection("c1"), Connection("c2")
    plan = plan_from_capture(
        capture_of(
            first.opened(0),
            first.sent(10, {"type": "ask"}),
            first.said(15, {"type": "answer", "session": "s-1f2e"}),
            second.request(20, "ws://h/ws?session=s-1f2e"),
            second.response(21),
            second.left(40),
            first.left(60),
        )
    )
    late = plan.with_steps([replace(plan.step("c1", 1), gap_ns=5_000 * MS)])
    core = EngineCore(late, 100 * MS)
    core.taken(plan.step("c1", 0), 0)
    core.happened(After(Kind.OPEN, "c1"), 1 * MS)
    assert core.give_up(500 * MS) == []
    core.taken(late.step("c1", 1), 5_001 * MS)
    assert "c2" in [each.step.connection for each in core.give_up(6_000 * MS)]


def test_who_waits_for_what_brings_a_message_is_waited_for_as_long_as_it_is_patient() -> None:
    first, second = Connection("c1"), Connection("c2")
    plan = plan_from_capture(
        capture_of(
            first.opened(0),
            second.opened(1),
            second.said(10, {"type": "ticket"}),
            second.sent(20, {"type": "use"}),
            first.said(30, {"type": "used"}),
            first.sent(40, {"type": "thanks"}),
            second.left(50),
            first.left(60),
        )
    )
    core = EngineCore(plan, 100 * MS)
    for name in ("c1", "c2"):
        core.taken(plan.step(name, 0), 0)
        core.happened(After(Kind.OPEN, name), 1 * MS)
    gave_up = {}
    for at_ms in range(0, 500, 10):
        for each in core.give_up(at_ms * MS):
            gave_up[each.step.connection] = at_ms
        if (due := core.next_due()) is not None and due.at_ns <= at_ms * MS:
            core.taken(due.step, at_ms * MS)
    assert gave_up["c1"] >= gave_up["c2"] + 100


def test_who_waits_for_a_message_of_one_that_is_not_open_yet_is_patient() -> None:
    first, second = Connection("c1"), Connection("c2")
    plan = plan_from_capture(
        capture_of(
            first.opened(0),
            first.said(5, {"type": "started", "resume": "9f8e7d6c5b4a"}),
            second.request(20, "ws://h/ws?resume=9f8e7d6c5b4a"),
            second.response(21),
            second.left(40),
            first.left(60),
        )
    )
    late = HandshakeDelay("c1", 900 * MS).apply(plan)
    core = EngineCore(late, 100 * MS)
    core.taken(late.step("c1", 0), 0)
    assert core.give_up(850 * MS) == []
    core.happened(After(Kind.OPEN, "c1"), 901 * MS)
    assert core.give_up(990 * MS) == []
    assert "c2" in [each.step.connection for each in core.give_up(1_200 * MS)]


def test_those_who_wait_for_each_other_are_not_patient_for_ever() -> None:
    first, second = Connection("c1"), Connection("c2")
    plan = plan_from_capture(
        capture_of(
            first.opened(0),
            second.opened(1),
            first.sent(10, "a"),
            second.sent(11, "b"),
            first.said(12, {"type": "done"}),
            first.sent(20, "c"),
            first.left(50),
            second.left(60),
        )
    )
    # The answer to a may be what b brings; b waits for the end of who waits for it.
    waiting = Gap("c2", 1, After(Kind.CLOSED, "c1"), 5 * MS).apply(plan)
    core = EngineCore(waiting, 100 * MS)
    for name in ("c1", "c2"):
        core.taken(waiting.step(name, 0), 0)
        core.happened(After(Kind.OPEN, name), 1 * MS)
    core.taken(waiting.step("c1", 1), 10 * MS)
    gave_up = [each for at_ms in range(10, 400) for each in core.give_up(at_ms * MS)]
    assert [(each.step.name, each.waited_for.kind) for each in gave_up] == [
        ("c1 step 2 (message)", Kind.MESSAGE)
    ]
