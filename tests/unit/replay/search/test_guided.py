"""Changes grow from runs that brought events into a new order."""

from random import Random

from replay.perturbations import Gap, Reset, perturbed
from replay.plan import After, Kind
from replay.search import Edits
from replay.search.guided import FARTHEST_NS, MOST_EDITS, Guided
from replay.search.trace import Trace
from tests.unit.replay.captures import MS
from tests.unit.replay.search.plans import TALK

OPEN = After(Kind.OPEN, "c1")
FIRST: Edits = (Gap("c1", 1, OPEN, 500 * MS),)


def traced(*sites: str) -> Trace:
    """A run in which these happened, 1 s apart."""
    done = {OPEN: 1 * MS, After(Kind.STEP, "c1", 1): 2 * MS, After(Kind.STEP, "c1", 2): 3 * MS}
    return Trace(done, {}, (), [(1_000 * MS * n, site) for n, site in enumerate(sites, 1)])


def drawn(guided: Guided, most: int = 40) -> list[Edits]:
    return [edits for _ in range(most) if (edits := guided.draw()) is not None]


def test_nothing_grows_from_nothing() -> None:
    assert Guided(TALK, Random(0)).draw() is None


def test_another_step_is_put_beside_what_happened_in_that_run() -> None:
    guided = Guided(TALK, Random(0))
    guided.tell(FIRST, traced("a", "b"))
    grown = drawn(guided)
    assert len(set(grown)) == len(grown) > 10
    for edits in grown:
        assert edits[:1] == FIRST
        (_, gap) = edits
        assert isinstance(gap, Gap)
        assert gap.step != 1
        origin_ns = {2: 2 * MS, 3: 3 * MS}[gap.step]
        beside = [abs(gap.gap_ns + origin_ns - at_ns) for at_ns in (1_000 * MS, 2_000 * MS)]
        assert min(beside) <= FARTHEST_NS
        perturbed(TALK, edits)


def test_an_order_that_was_seen_grows_nothing_new() -> None:
    guided = Guided(TALK, Random(0))
    guided.tell(FIRST, traced("a", "b"))
    again: Edits = (Gap("c1", 2, OPEN, 7 * MS),)
    guided.tell(again, traced("a", "b"))
    assert all(edits[0] == FIRST[0] for edits in drawn(guided))
    guided.tell(again, traced("b", "a"))
    assert any(edits[0] == again[0] for edits in drawn(guided))


def test_only_gaps_grow_and_no_further_than_three() -> None:
    guided = Guided(TALK, Random(0))
    guided.tell((Reset("c1", 1),), traced("a", "b"))
    guided.tell(tuple(Gap("c1", n, OPEN, MS) for n in (1, 2, 3)), traced("b", "c"))
    assert guided.draw() is None
    assert MOST_EDITS == 3


def test_what_comes_often_is_no_likelier_than_what_comes_once() -> None:
    guided = Guided(TALK, Random(0))
    guided.tell(FIRST, traced(*["beat"] * 50, "rare"))
    gaps = [edits[-1] for edits in drawn(guided, 100)]
    rare = [gap for gap in gaps if isinstance(gap, Gap) and gap.gap_ns > 50_500 * MS]
    assert len(rare) > len(gaps) / 4


def test_the_same_chance_draws_the_same() -> None:
    def once() -> list[Edits]:
        guided = Guided(TALK, Random(7))
        guided.tell(FIRST, traced("a", "b", "c"))
        return drawn(guided)

    assert once() == once()
