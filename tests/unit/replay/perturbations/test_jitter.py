import math

import pytest

from replay.errors import PlanError
from replay.perturbations import Jitter
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN, played

MANY = [Jitter(100 * MS, seed=seed) for seed in range(200)]


def test_the_same_seed_draws_the_same_times_and_another_one_others() -> None:
    drawn = [Jitter(50 * MS, seed=seed).delays_ns(PLAN) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]


@pytest.mark.parametrize("distribution", ["log_uniform", "uniform", "exponential"])
def test_draws_are_within_their_bounds(distribution: str) -> None:
    for seed in range(50):
        edit = Jitter(20 * MS, 2 * MS, seed, distribution)
        delays = edit.delays_ns(PLAN).values()
        assert all(2 * MS - 1 <= delay <= 20 * MS + 1 for delay in delays)


def test_log_uniform_draws_small_and_large_times_alike() -> None:
    drawn = [ns for edit in MANY for ns in edit.delays_ns(PLAN).values()]
    middle = math.sqrt(0.1 * 100) * MS
    assert 0.45 < sum(ns < middle for ns in drawn) / len(drawn) < 0.55


def test_exponential_draws_have_their_mean_in_the_middle_but_for_what_is_cut() -> None:
    edits = [Jitter(80 * MS, 60 * MS, seed, "exponential") for seed in range(200)]
    drawn = [ns for edit in edits for ns in edit.delays_ns(PLAN).values()]
    # The median of an exponential is at ln 2 of its mean; one in seven is beyond twice the mean.
    median = 60 * MS + math.log(2) * 10 * MS
    assert 0.45 < sum(ns < median for ns in drawn) / len(drawn) < 0.55
    assert 0.1 < sum(ns == 80 * MS for ns in drawn) / len(drawn) < 0.17


def test_bounds_without_room_between_them_draw_just_that() -> None:
    drawn = Jitter(0, 0, distribution="exponential").delays_ns(PLAN)
    assert set(drawn.values()) == {0}


def test_every_step_is_delayed_by_its_own_time() -> None:
    edit = Jitter(50 * MS, seed=5)
    delays = edit.delays_ns(PLAN)
    assert len(delays) == sum(1 for _ in PLAN.steps())
    assert len(set(delays.values())) > 5
    plan = edit.apply(PLAN)
    assert {(s.connection, s.index): s.late_ns for s in plan.steps()} == delays
    assert played(edit) != played()


def test_fewer_steps_keep_their_draws() -> None:
    edit = Jitter(50 * MS, seed=5)
    halves = list(edit.shrinks(PLAN))[:2]
    drawn = edit.delays_ns(PLAN)
    kept = [half.delays_ns(PLAN) for half in halves]
    assert {**kept[0], **kept[1]} == drawn
    assert not kept[0].keys() & kept[1].keys()


def test_one_connection_alone() -> None:
    assert {name for name, _ in Jitter(9 * MS, connection="c2").delays_ns(PLAN)} == {"c2"}


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"high_ns": 1, "low_ns": 2}, "0 <= low_ms <= high_ms"),
        ({"high_ns": 5, "low_ns": 0}, "low_ms above 0"),
        ({"high_ns": 1 * MS, "distribution": "normal"}, "a distribution out of"),
    ],
)
def test_what_cannot_be_drawn_is_refused(fields: dict[str, int], complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        Jitter(**fields)  # type: ignore[arg-type]
