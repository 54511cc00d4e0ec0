from replay.perturbations import Gap, Hold, Reset
from replay.plan import After, Kind
from replay.search.plainer import MOST_GAPS, plainer
from tests.unit.replay.captures import MS
from tests.unit.replay.search.plans import TALK

HELD = Hold("c1", 1, 300 * MS)
FIRST, SECOND = TALK.step("c1", 1).as_event, TALK.step("c1", 2).as_event
OPEN = After(Kind.OPEN, "c1")


def test_the_gap_that_changed_most_comes_first() -> None:
    came_ns = dict(TALK.recorded_ns) | {FIRST: 310 * MS, SECOND: 310 * MS}
    first, *others = plainer(TALK, HELD, came_ns)
    assert isinstance(first, Gap)
    assert (first.step, first.after, first.gap_ns) == (1, OPEN, 310 * MS - TALK.recorded_ns[OPEN])
    assert Gap("c1", 2, FIRST, 0) in others
    assert len(others) < MOST_GAPS


def test_what_came_as_recorded_is_not_told() -> None:
    assert list(plainer(TALK, HELD, TALK.recorded_ns)) == []


def test_what_did_not_come_is_not_told() -> None:
    assert list(plainer(TALK, HELD, {FIRST: 310 * MS})) == []


def test_a_cut_is_told_as_it_is() -> None:
    came_ns = dict(TALK.recorded_ns) | {FIRST: 310 * MS}
    assert list(plainer(TALK, Reset("c1", 1), came_ns)) == []
