"""Each strategy gets its share, and every change that is drawn is one that a plan allows."""

from collections import Counter
from random import Random

from replay.errors import PlanError
from replay.perturbations import Gap, perturbed
from replay.plan import After, Kind
from replay.planning import plan_from_capture
from replay.search import Edits
from replay.search.portfolio import LONGEST_NS, SHORTEST_NS, Portfolio
from replay.search.trace import Trace
from tests.unit.replay.captures import MS, capture_of
from tests.unit.replay.search.plans import C1, C2, TALK, TWO

OPEN = After(Kind.OPEN, "c1")
PASSED = Trace(
    {OPEN: 1 * MS, After(Kind.STEP, "c1", 1): 2 * MS, After(Kind.STEP, "c1", 2): 3 * MS},
    {},
    (),
    [(1_000 * MS * number, f"site {number}") for number in range(1, 30)],
)
FIRST: Edits = (Gap("c1", 1, OPEN, 500 * MS),)


def drawn(portfolio: Portfolio, most: int) -> list[Edits]:
    return [edits for _ in range(most) if (edits := portfolio.draw()) is not None]


def gaps(edits: Edits) -> list[Gap]:
    return [edit for edit in edits if isinstance(edit, Gap)]


def test_most_grows_from_what_runs_showed() -> None:
    portfolio = Portfolio(TALK, Random(0))
    portfolio.tell(FIRST, PASSED)
    every = drawn(portfolio, 1_000)
    grown = sum(edits[:1] == FIRST for edits in every)
    # One connection has nobody to take turns with: three of the four draw something.
    assert 0.72 < grown / len(every) < 0.84


def test_what_is_drawn_is_new_and_follows_from_the_seed() -> None:
    def some(seed: int) -> list[Edits]:
        portfolio = Portfolio(TWO, Random(seed))
        portfolio.tell((Gap("c2", 1, After(Kind.OPEN, "c2"), MS),), PASSED)
        return drawn(portfolio, 200)

    assert some(1) == some(1) != some(2)
    assert len(set(some(1))) == len(some(1)) > 150


def test_every_step_has_a_time_of_its_own_from_short_to_long() -> None:
    every = [edits for edits in drawn(Portfolio(TALK, Random(0)), 300) if len(edits) == 3]
    assert every
    times_ns = [gap.gap_ns for edits in every for gap in gaps(edits)]
    assert SHORTEST_NS <= min(times_ns) < 5 * MS
    assert 5_000 * MS < max(times_ns) <= LONGEST_NS
    assert any(len({gap.gap_ns for gap in gaps(edits)}) == 3 for edits in every)


def test_a_starved_connection_waits_equally_long_before_each_step() -> None:
    every = [
        gaps(edits)
        for edits in drawn(Portfolio(TWO, Random(0)), 300)
        if len({gap.gap_ns for gap in gaps(edits)}) == 1 and len(edits) == 2
    ]
    starved = [edits for edits in every if edits[0].connection == edits[1].connection]
    assert {edits[0].connection for edits in starved} == {"c1", "c2"}
    assert all(edits[1].step == edits[0].step + 1 for edits in starved)


def test_connections_take_turns_by_priorities_that_change() -> None:
    orders = Counter(
        tuple((gap.connection, gap.step, str(gap.after)) for gap in gaps(edits))
        for edits in drawn(Portfolio(TWO, Random(0)), 2_000)
        if all(gap.after.connection != gap.connection for gap in gaps(edits))
    )
    # One after the other; and up to two changes of priority in between.
    assert (("c2", 0, "c1 step 2"),) in orders
    assert (("c1", 0, "c2 step 2"),) in orders
    assert {len(order) for order in orders} == {1, 2, 3}


def test_who_came_when_another_had_left_does_so_still() -> None:
    again = plan_from_capture(
        capture_of(C1.opened(0), C1.sent(20, "a"), C1.left(30), C2.opened(50), C2.left(90))
    )
    every = [gap for edits in drawn(Portfolio(again, Random(0)), 300) for gap in gaps(edits)]
    elsewhere = [gap for gap in every if gap.after.connection != gap.connection]
    assert {(gap.connection, gap.step, str(gap.after)) for gap in elsewhere} == {
        ("c2", 0, "c1 step 2")
    }


def test_most_of_it_is_legal() -> None:
    legal = 0
    every = drawn(Portfolio(TWO, Random(0)), 300)
    for edits in every:
        try:
            perturbed(TWO, edits)
        except PlanError:
            continue
        legal += 1
    assert legal > len(every) / 2
