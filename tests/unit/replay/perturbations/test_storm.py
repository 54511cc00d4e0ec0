import pytest

from replay.errors import PlanError
from replay.perturbations import Reset, Storm
from replay.plan import After, Kind
from replay.planning import plan_from_capture
from tests.unit.replay.captures import MS, capture_of
from tests.unit.replay.perturbations.sessions import C1, C2, PLAN, played, sent_ms


def test_each_copy_does_what_its_original_does() -> None:
    run = played(Storm(3, 100 * MS, seed=2))
    originals = {"c1": ["a", "b", "c", "d"], "c2": ["x", "y"]}
    for name, texts in originals.items():
        for copy in (name, *(f"{name}~{number}" for number in (1, 2, 3))):
            assert list(sent_ms(run, copy)) == texts


def test_copies_begin_within_the_window_at_drawn_times() -> None:
    starts = [
        [plan.of(f"c1~{n}")[0].late_ns for n in range(1, 21)]
        for plan in (Storm(20, 100 * MS, seed=s).apply(PLAN) for s in (1, 1, 2))
    ]
    assert starts[0] == starts[1] != starts[2]
    assert all(0 <= late_ns <= 100 * MS for late_ns in starts[0])
    assert max(starts[0]) > 50 * MS


def test_a_copy_waits_for_its_own_kind_and_has_its_own_ids() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0),
            C1.said(5, "ticket-4711"),
            C1.left(20),
            C2.opened(50),
            C2.sent(60, "use ticket-4711"),
            C2.left(70),
        )
    )
    storm = Storm(2).apply(plan)
    assert storm.step("c2~2", 0).after == After(Kind.CLOSED, "c1~2")
    assert storm.step("c2~2", 1).needs == (After(Kind.MESSAGE, "c1~2", 1, "ticket-#"),)
    sources = {
        (link.source.event.connection, link.sinks[0].connection) for link in storm.correlation.links
    }
    assert sources == {("c1", "c2"), ("c1~1", "c2~1"), ("c1~2", "c2~2")}


def test_one_connection_alone_is_copied() -> None:
    assert list(Storm(2, connection="c2").apply(PLAN).connections) == ["c1", "c2", "c2~1", "c2~2"]


def test_copies_are_owed_what_the_original_is() -> None:
    plan = Storm(1).apply(Reset("c1", 3).apply(PLAN))
    assert plan.owed_to("c1~1") == plan.owed_to("c1")
    assert plan.owed_to("c2~1").like == "c2"


def test_two_storms_of_one_connection_are_refused() -> None:
    with pytest.raises(PlanError, match="without a storm of this connection"):
        Storm(1).apply(Storm(1).apply(PLAN))


@pytest.mark.parametrize("copies", [0, 10_001])
def test_so_many_copies_are_refused(copies: int) -> None:
    with pytest.raises(PlanError, match="1 to 10000 copies"):
        Storm(copies)
