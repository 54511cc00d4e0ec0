import pytest

from replay.errors import PlanError
from replay.perturbations import Burst
from replay.planning import plan_from_capture
from tests.unit.replay.captures import capture_of
from tests.unit.replay.perturbations.sessions import C1, PLAN, played, sent_ms


def test_messages_come_back_to_back_without_waiting_for_answers() -> None:
    usual, sent = sent_ms(played()), sent_ms(played(Burst("c1", 1, 3)))
    assert sent["a"] == sent["b"] == sent["c"] == usual["a"]
    assert sent["d"] - sent["c"] == pytest.approx(usual["d"] - usual["c"])


def test_what_echoes_the_server_still_waits_for_it() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C1.sent(10, "a"),
            C1.said(12, "ticket-4711"),
            C1.sent(20, "use ticket-4711"),
            C1.left(40),
        )
    )
    assert Burst("c1", 1, 2).apply(plan).step("c1", 2).needs == plan.step("c1", 2).needs != ()


@pytest.mark.parametrize(("step", "last"), [(0, 2), (2, 2), (3, 1)])
def test_less_than_two_messages_are_refused(step: int, last: int) -> None:
    with pytest.raises(PlanError, match="1 <= step < last"):
        Burst("c1", step, last)


def test_the_end_is_no_message() -> None:
    with pytest.raises(PlanError, match="a last that is a message, not the end"):
        Burst("c1", 3, 5).apply(PLAN)
