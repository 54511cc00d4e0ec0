from __future__ import annotations

from replay.hunt import MIN_BUDGET, HuntSettings
from replay.hunt_bounds import MOST_LEARNING_RUNS, HuntBounds
from replay.learning import LEARNING_RUNS
from replay.limits import UNLIMITED, Limits
from replay.perturbations import HandshakeDelay
from replay.planning import plan_from_capture
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
PLAN = plan_from_capture(
    capture_of(C1.request(0), C1.response(2), C1.sent(500, "hello"), C1.left(1000))
)


def bounds(settings: HuntSettings | None = None, limits: Limits = UNLIMITED) -> HuntBounds:
    return HuntBounds(PLAN, settings or HuntSettings(), limits)


def test_patience_that_was_asked_for_is_counted() -> None:
    usual, patient = bounds(), bounds(HuntSettings(patience_s=60.0))
    assert patient.usual_s == usual.usual_s
    assert patient.most_s > usual.most_s


def test_runs_and_connections_are_bounded_by_the_budget() -> None:
    asked = bounds(HuntSettings(budget=50))
    assert (asked.runs, asked.connections) == (50, 100)


def test_the_baseline_is_finished_even_with_a_small_budget() -> None:
    assert MOST_LEARNING_RUNS > LEARNING_RUNS
    assert bounds(HuntSettings(budget=MIN_BUDGET)).runs == MOST_LEARNING_RUNS


def test_a_run_takes_as_long_as_recorded_and_at_most_much_longer() -> None:
    asked = bounds(HuntSettings(budget=100))
    assert 100 <= asked.usual_s <= 110
    assert asked.most_s > 10 * asked.usual_s


def test_paced_runs_take_their_minutes() -> None:
    paced = bounds(HuntSettings(budget=100), Limits(max_runs_per_minute=10))
    assert paced.usual_s == 540


def test_a_measurement_sweeps_nothing() -> None:
    asked = bounds(HuntSettings(edits=(HandshakeDelay("c1", 5),)))
    assert {stage: runs for stage, runs, _ in asked.stages() if runs} == {
        "baseline": MOST_LEARNING_RUNS,
        "rate": 40,
    }


def test_the_sweep_is_as_long_as_there_is_to_try_within_the_budget() -> None:
    (few,) = [runs for stage, runs, _ in bounds(HuntSettings(20)).stages() if stage == "sweep"]
    (all_of_it,) = [
        runs for stage, runs, _ in bounds(HuntSettings(9_999)).stages() if stage == "sweep"
    ]
    assert few == 20
    assert 20 < all_of_it < 9_999


def test_it_is_told_in_lines_and_in_json() -> None:
    asked = bounds(HuntSettings(budget=100))
    *_, last = asked.lines("ws://127.0.0.1:9")
    assert last.startswith("at most 100 runs and 200 connections; about 10")
    content = asked.to_json()
    assert (content["runs_at_most"], content["connections_at_most"]) == (100, 200)
    assert content["stages"][0]["stage"] == "baseline"
