import pytest

from replay.errors import PlanError
from replay.perturbations import Hold, Starve
from replay.plan import Reading
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN, played, sent_ms


def test_it_holds_what_the_client_sends() -> None:
    assert sent_ms(played(Starve("c1", 2, 90 * MS))) == sent_ms(played(Hold("c1", 2, 90 * MS)))


def test_it_reads_nothing_from_the_usual_time_of_the_step_on() -> None:
    plan = Starve("c1", 2, 90 * MS).apply(PLAN)
    stops, goes_on = plan.cues
    usual = PLAN.step("c1", 2)
    assert (stops.after, stops.gap_ns) == (usual.after, usual.gap_ns)
    assert stops.change == Reading("c1", paused=True)
    assert goes_on.gap_ns - stops.gap_ns == 90 * MS
    owed = plan.owed_to("c1")
    # It answers no ping meanwhile.
    assert (owed.replies, owed.ending, owed.grace) == (False, False, False)


def test_the_opening_cannot_be_starved() -> None:
    with pytest.raises(PlanError, match="a step of 1 or more"):
        Starve("c1", 0, 5)
