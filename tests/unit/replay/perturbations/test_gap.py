import pytest

from replay.errors import PlanError
from replay.perturbations import Gap
from replay.plan import START, After, Kind
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")
PLAN = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.said(10, {"id": "ticket-4711"}),
        C1.sent(30, {"use": "ticket-4711"}),
        C1.sent(40, "b"),
        C1.left(50),
        C2.opened(45),
        C2.left(60),
    )
)
OPEN = After(Kind.OPEN, "c1")


def test_moves_only_the_named_step() -> None:
    moved = Gap("c1", 1, OPEN, 5 * MS).apply(PLAN)
    assert [a == b for a, b in zip(moved.steps(), PLAN.steps(), strict=True)].count(False) == 1
    step = moved.step("c1", 1)
    assert (step.after, step.gap_ns, step.pinned) == (OPEN, 5 * MS, True)


def test_what_the_step_needs_stays() -> None:
    assert Gap("c1", 1, OPEN, 0).apply(PLAN).step("c1", 1).needs == PLAN.step("c1", 1).needs


def test_leaves_the_original_plan_alone() -> None:
    before = tuple(PLAN.steps())
    Gap("c1", 1, OPEN, 0).apply(PLAN)
    assert tuple(PLAN.steps()) == before


def test_another_value_is_the_same_edit_otherwise() -> None:
    gap = Gap("c1", 1, OPEN, 5 * MS)
    assert gap.with_value(7) == Gap("c1", 1, OPEN, 7)
    assert gap.value_ns == 5 * MS


def test_the_recorded_value_and_what_it_counts_from() -> None:
    assert Gap("c1", 1, OPEN, 0).recorded_ns(PLAN) == 29 * MS
    assert Gap("c1", 1, After(Kind.MESSAGE, "c1", 9), 0).recorded_ns(PLAN) is None
    assert Gap("c1", 1, OPEN, 0).anchor == "c1 open"


@pytest.mark.parametrize("gap_ns", [0, 1, 5_500_000])
def test_json_reads_back(gap_ns: int) -> None:
    gap = Gap("c1", 1, After(Kind.MESSAGE, "c1", 1, "with id"), gap_ns)
    assert Gap.from_json(gap.to_json()) == gap


def test_a_gap_below_zero_is_refused() -> None:
    with pytest.raises(PlanError, match="expected a gap_ms of 0 or more"):
        Gap("c1", 1, OPEN, -MS)


@pytest.mark.parametrize(
    ("step", "after"),
    [
        (1, "c1 step 1"),
        (1, "c1 step 2"),
        (1, "c1 closed"),
        (0, "c1 open"),
        (0, "c1 message 1"),
    ],
)
def test_a_step_cannot_follow_what_comes_after_it(step: int, after: str) -> None:
    with pytest.raises(PlanError, match="which comes after it"):
        Gap("c1", step, After.parse(after), 0).apply(PLAN)


@pytest.mark.parametrize("after", ["c9 open", "c9 step 0", "c2 step 7"])
def test_a_step_cannot_follow_what_does_not_exist(after: str) -> None:
    with pytest.raises(PlanError, match=r"there is no|no connection"):
        Gap("c1", 1, After.parse(after), 0).apply(PLAN)


def test_a_step_may_follow_another_connection_or_the_start() -> None:
    for after in (START, After(Kind.STEP, "c2", 0), After(Kind.CLOSED, "c2")):
        assert Gap("c1", 1, after, 0).apply(PLAN).step("c1", 1).after == after
