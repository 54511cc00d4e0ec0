import pytest

from replay.errors import PlanError
from replay.perturbations import Reconnect
from replay.plan import After, End, Ending, Kind, Open
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, capture_of
from tests.unit.replay.perturbations.sessions import C1, PLAN, played, sent_ms

WITH_IDS = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.said(5, {"type": "welcome", "id": "conn-0001"}),
        C1.sent(20, {"type": "hello", "of": "conn-0001"}),
        C1.said(25, {"type": "room", "id": "room-0001"}),
        C1.sent(40, {"type": "say", "of": "conn-0001", "in": "room-0001"}),
        C1.sent(60, {"type": "say", "of": "conn-0001", "in": "room-0001", "again": True}),
        C1.left(80),
    )
)


def test_the_rest_goes_over_a_new_connection() -> None:
    run = played(Reconnect("c1", 3, down_ns=50 * MS, repeat=1))
    assert list(sent_ms(run)) == ["a", "b"]
    again = sent_ms(run, "c1~again")
    assert list(again) == ["a", "c", "d"]
    assert again["a"] - sent_ms(run)["b"] >= 50


def test_it_opens_after_the_old_one_is_gone_and_down() -> None:
    plan = Reconnect("c1", 2, down_ns=50 * MS, how="close").apply(PLAN)
    opening, *_, end = plan.of("c1~again")
    assert isinstance(opening.action, Open)
    assert (opening.after, opening.gap_ns) == (After(Kind.CLOSED, "c1"), 50 * MS)
    assert end.action == PLAN.of("c1")[-1].action
    assert plan.of("c1")[-1].action == End(Ending.CLOSE, 1000)


def test_what_was_left_waits_for_the_answer_to_what_is_repeated() -> None:
    # c came 10 ms after b, which is not sent again; b came 18 ms after the answer to a.
    first_left = Reconnect("c1", 3, repeat=1).apply(PLAN).step("c1~again", 2)
    assert str(first_left.after) == "c1~again message 1: ack a"
    assert (first_left.gap_ns, first_left.expected_wait_ns) == (18 * MS, 2 * MS)


def test_an_answer_that_came_before_the_cut_is_not_waited_for_again() -> None:
    # c followed the answer to b, which came on the old connection.
    session = capture_of(
        C1.opened(0),
        C1.sent(20, "a"),
        C1.said(22, "ack a"),
        C1.sent(40, "b"),
        C1.said(42, "ack b"),
        C1.sent(60, "c"),
        C1.left(80),
    )
    first_left = Reconnect("c1", 3, repeat=1).apply(plan_from_capture(session)).step("c1~again", 2)
    assert (str(first_left.after), first_left.gap_ns) == ("c1~again message 1: ack a", 18 * MS)


def test_what_follows_a_repeated_step_still_does() -> None:
    first_left = Reconnect("c1", 3, repeat=2).apply(PLAN).step("c1~again", 3)
    assert (str(first_left.after), first_left.gap_ns) == ("c1~again step 2", 10 * MS)


def test_ids_of_the_greeting_come_anew_and_those_since_then_stay() -> None:
    plan = Reconnect("c1", 3).apply(WITH_IDS)
    links = {
        (link.sinks[0].recorded, link.source.event.connection)
        for link in plan.correlation.links
        if link.sinks[0].connection == "c1~again"
    }
    assert links == {("conn-0001", "c1~again"), ("room-0001", "c1")}
    assert set(plan.step("c1~again", 1).needs) == {
        After(Kind.MESSAGE, "c1~again", 1, "type=welcome"),
        After(Kind.MESSAGE, "c1", 1, "type=room"),
    }


def test_nobody_can_say_which_answers_come_where() -> None:
    plan = Reconnect("c1", 3).apply(PLAN)
    assert (plan.owed_to("c1").replies, plan.owed_to("c1").ending) == (False, False)
    owed = plan.owed_to("c1~again")
    assert (owed.like, owed.replies, owed.ending) == ("c1", False, True)


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"down_ns": -1}, "a down_ms of 0 or more"),
        ({"repeat": 3}, "repeat to be fewer messages than were sent"),
        ({"how": "gently"}, "how to be one of reset, fin, close"),
    ],
)
def test_what_cannot_be_is_refused(fields: dict[str, int], complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        Reconnect("c1", 3, **fields)  # type: ignore[arg-type]


def test_once_is_enough() -> None:
    with pytest.raises(PlanError, match="c1 already comes back"):
        Reconnect("c1", 2).apply(Reconnect("c1", 3).apply(PLAN))
