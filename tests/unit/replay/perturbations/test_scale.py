import pytest

from replay.errors import PlanError
from replay.perturbations import Scale
from replay.plan import Pace
from tests.unit.replay.perturbations.sessions import PLAN, played, sent_ms


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_times_by_the_clock_are_multiplied(factor: float) -> None:
    run = played(Scale(factor), plan=PLAN.at_pace(Pace.RECORDED))
    assert sent_ms(run)["d"] == pytest.approx(70 * factor)
    assert sent_ms(run, "c2")["y"] == pytest.approx(100 * factor)


def test_gaps_are_multiplied_and_waiting_for_the_server_is_not() -> None:
    usual, twice = sent_ms(played()), sent_ms(played(Scale(2.0)))
    assert twice["c"] - twice["b"] == pytest.approx(2 * (usual["c"] - usual["b"]))
    assert twice["b"] - twice["a"] - 2 == pytest.approx(2 * (usual["b"] - usual["a"] - 2))


def test_one_connection_alone() -> None:
    run = played(Scale(3.0, "c2"))
    assert sent_ms(run) == sent_ms(played())
    assert sent_ms(run, "c2")["y"] > sent_ms(played(), "c2")["y"]


def test_nothing_left_of_the_gaps() -> None:
    sent = sent_ms(played(Scale(0.0)))
    assert sent["b"] == sent["c"] == sent["d"]


@pytest.mark.parametrize("factor", [-1.0, float("nan"), float("inf"), 1e9])
def test_a_factor_that_makes_no_sense_is_refused(factor: float) -> None:
    with pytest.raises(PlanError, match="expected a factor from 0 to 1000"):
        Scale(factor)
