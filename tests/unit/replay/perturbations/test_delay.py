import pytest

from replay.perturbations import Delay
from replay.plan import Pace
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN, played, sent_ms


@pytest.mark.parametrize("pace", [Pace.CAUSAL, Pace.RECORDED, Pace.HYBRID])
def test_the_step_comes_later_and_no_other_connection_does(pace: Pace) -> None:
    plan = PLAN.at_pace(pace)
    usual, late = played(plan=plan), played(Delay("c1", 2, 30 * MS), plan=plan)
    assert sent_ms(late)["b"] - sent_ms(usual)["b"] == pytest.approx(30)
    assert sent_ms(late)["a"] == sent_ms(usual)["a"]
    assert sent_ms(late, "c2") == sent_ms(usual, "c2")


def test_what_follows_comes_later_by_causality_and_catches_up_by_the_clock() -> None:
    usual, late = played(), played(Delay("c1", 2, 30 * MS))
    assert sent_ms(late)["d"] - sent_ms(usual)["d"] == pytest.approx(30)
    by_clock = played(Delay("c1", 2, 30 * MS), plan=PLAN.at_pace(Pace.RECORDED))
    assert sent_ms(by_clock)["c"] == sent_ms(by_clock)["b"] == pytest.approx(70)
    assert sent_ms(by_clock)["d"] == pytest.approx(70)


def test_delays_add_up() -> None:
    twice = played(Delay("c1", 2, 10 * MS), Delay("c1", 2, 5 * MS))
    assert sent_ms(twice)["b"] - sent_ms(played())["b"] == pytest.approx(15)


def test_recorded_it_is_none() -> None:
    assert Delay("c1", 2, 5).recorded_ns(PLAN) == 0
