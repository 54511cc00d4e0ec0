from dataclasses import replace

import pytest

from replay.errors import PlanError
from replay.perturbations import Align, Gap, perturbed
from replay.plan import After, Kind
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN, played, sent_ms


def test_the_first_waits_for_the_last() -> None:
    run, usual = played(Align((("c1", 1), ("c2", 1)))), played()
    assert sent_ms(run)["a"] == sent_ms(run, "c2")["x"] == sent_ms(usual, "c2")["x"]


def test_they_come_apart_in_their_order() -> None:
    run = played(Align((("c2", 1), ("c1", 1)), 5 * MS))
    assert sent_ms(run)["a"] - sent_ms(run, "c2")["x"] == pytest.approx(5)


def test_a_step_does_not_wait_for_one_that_waits_for_it() -> None:
    tied = Gap("c2", 1, After(Kind.STEP, "c1", 1), 30 * MS).apply(PLAN)
    run = played(Align((("c1", 1), ("c2", 1))), plan=tied)
    assert sent_ms(run)["a"] == sent_ms(run, "c2")["x"]


@pytest.mark.parametrize(
    "after", [After(Kind.STEP, "c1", 1), After(Kind.STEP, "c1", 2), After(Kind.CLOSED, "c1")]
)
def test_a_connection_that_opened_after_the_other_spoke_opens_for_itself(after: After) -> None:
    opened = replace(PLAN.step("c2", 0), after=after, gap_ns=7 * MS)
    run = played(Align((("c1", 1), ("c2", 1))), plan=PLAN.with_steps([opened]))
    assert sent_ms(run)["a"] == sent_ms(run, "c2")["x"]


def test_a_value_of_what_follows_the_other_cannot_come_before_it() -> None:
    needs = (After(Kind.MESSAGE, "c1", 1, "type=got-a"),)
    needing = replace(PLAN.step("c2", 1), needs=needs)
    came_ns = PLAN.step("c1", 1).recorded_at_ns + MS
    plan = replace(PLAN.with_steps([needing]), recorded_ns={**PLAN.recorded_ns, needs[0]: came_ns})
    with pytest.raises(PlanError, match=r"c2 step 1 cannot be aligned: .* sends back a value of"):
        Align((("c1", 1), ("c2", 1))).apply(plan)


def test_openings_can_be_aligned() -> None:
    plan = Align((("c1", 0), ("c2", 0))).apply(PLAN)
    assert plan.step("c2", 0).after.kind is Kind.START


@pytest.mark.parametrize(
    ("steps", "complaint"),
    [
        ((("c1", 1),), "two or more steps"),
        ((("c1", 1), ("c1", 2)), "steps of different connections"),
    ],
)
def test_what_has_nothing_to_align_is_refused(
    steps: tuple[tuple[str, int], ...], complaint: str
) -> None:
    with pytest.raises(PlanError, match=complaint):
        Align(steps)


def test_it_is_known_by_its_last_step() -> None:
    edit = Align((("c1", 1), ("c2", 2)))
    assert (edit.connection, edit.step, edit.anchor) == ("c2", 2, "c1 step 1")


@pytest.mark.parametrize(
    ("first", "second", "complaint"),
    [
        ((("c1", 1), ("c2", 1)), (("c2", 1), ("c1", 2)), "c2 step 1 is aligned already"),
        (
            (("c1", 1), ("c2", 2)),
            (("c1", 2), ("c2", 1)),
            "c1 step 2, c2 step 1 cannot be aligned: other steps of these connections are",
        ),
    ],
)
def test_steps_that_would_wait_for_each_other_for_ever_are_refused(
    first: tuple[tuple[str, int], ...], second: tuple[tuple[str, int], ...], complaint: str
) -> None:
    with pytest.raises(PlanError, match=complaint):
        perturbed(PLAN, [Align(first), Align(second)])


def test_steps_are_aligned_one_pair_after_another() -> None:
    pairs = [Align((("c1", 1), ("c2", 1))), Align((("c1", 2), ("c2", 2)))]
    run = played(*pairs)
    assert sent_ms(run)["a"] == sent_ms(run, "c2")["x"]
    assert list(sent_ms(run).values())[1] == list(sent_ms(run, "c2").values())[1]
