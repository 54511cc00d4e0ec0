import pytest

from replay.errors import PlanError
from replay.perturbations import Align, Gap
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
