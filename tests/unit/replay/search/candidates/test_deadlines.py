"""Steps come on both sides of the end of each timer."""

from itertools import pairwise

from replay.perturbations import Gap
from replay.plan import After, Kind
from replay.search.candidates.deadlines import BY_NS, deadlines
from replay.search.candidates.ranked import ROUGH
from replay.search.trace import NO_TRACE, Trace
from replay.timers import Timer
from tests.unit.replay.captures import MS
from tests.unit.replay.search.plans import TALK

OPEN, FIRST = After(Kind.OPEN, "c1"), After(Kind.STEP, "c1", 1)
(CLOSE_NS,) = BY_NS[ROUGH]


def around(*timers: Timer, took_ms: int = 0) -> list[Gap]:
    trace = Trace(
        {OPEN: 1 * MS, FIRST: 10 * MS, After(Kind.STEP, "c1", 2): 40 * MS},
        {FIRST: took_ms * MS} if took_ms else {},
        timers,
    )
    edits = [edit for number, edit in deadlines(TALK, trace) if number == ROUGH]
    return [edit for edit in edits if isinstance(edit, Gap)]


def test_each_step_comes_just_before_and_just_after() -> None:
    gaps = [edit for edit in around(Timer(500 * MS, "a.py:1")) if edit.step == 1]
    assert gaps == [
        Gap("c1", 1, OPEN, 499 * MS - CLOSE_NS),
        Gap("c1", 1, OPEN, 499 * MS + CLOSE_NS),
    ]


def test_so_does_its_answer() -> None:
    gaps = {edit.gap_ns for edit in around(Timer(500 * MS, "a.py:1"), took_ms=20) if edit.step == 1}
    assert {479 * MS - CLOSE_NS, 479 * MS + CLOSE_NS} < gaps


def test_a_timer_that_ends_before_what_the_client_did_is_over() -> None:
    assert {edit.step for edit in around(Timer(8 * MS, "a.py:1"))} == {1}


def test_nothing_is_tried_where_the_step_is_anyway() -> None:
    usual = Timer(39 * MS, "a.py:1")
    assert 2 not in {edit.step for edit in around(usual)}
    assert 1 in {edit.step for edit in around(usual)}


def test_a_place_with_many_timers_does_not_come_before_one_with_few() -> None:
    beats = [Timer(number * 1_000 * MS, "beat.py:1") for number in range(1, 40)]
    rare = Timer(22_000 * MS, "rare.py:2")
    gaps = [edit.gap_ns for edit in around(*beats, rare) if edit.step == 1]
    assert gaps.index(21_999 * MS + CLOSE_NS) < 8


def test_two_timers_that_end_together_are_one() -> None:
    timers = [Timer(500 * MS + number * 100_000, "a.py:1") for number in range(3)]
    assert len(around(*timers)) == len(around(timers[0]))
    assert all(one != other for one, other in pairwise(timers))


def test_nothing_is_known_without_a_trace() -> None:
    assert not list(deadlines(TALK, NO_TRACE))
