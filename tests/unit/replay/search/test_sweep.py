from random import Random

from replay.oracles.verdict import Verdict
from replay.perturbations import Align
from replay.plan import After, Kind
from replay.search import Edits
from replay.search.candidates import candidates
from replay.search.portfolio import Portfolio
from replay.search.sweep import GROWN_EVERY, GROWN_FROM, Sweep
from replay.search.trace import Trace
from tests.unit.replay.captures import MS
from tests.unit.replay.search.plans import TALK, TWO


def test_asks_for_one_after_the_other_and_remembers() -> None:
    sweep = Sweep(TALK)
    every = sweep.left
    first = sweep.ask()
    assert first is not None
    assert sweep.ask() == first
    sweep.tell(first, Verdict.PASS)
    assert sweep.left == every - 1
    assert sweep.told == [(first, Verdict.PASS)]
    while (edits := sweep.ask()) is not None:
        sweep.tell(edits, Verdict.PASS)
    assert len(sweep.told) == every


def test_asks_for_several_at_once() -> None:
    sweep, one_by_one = Sweep(TALK), Sweep(TALK)
    batch = sweep.ask_some(3)
    assert len(batch) == len(set(batch)) == 3
    for edits in batch:
        assert one_by_one.ask() == edits
        for each in (sweep, one_by_one):
            each.tell(edits, Verdict.PASS)
    assert sweep.told == one_by_one.told


def test_what_cannot_be_applied_is_passed_over() -> None:
    sweep = Sweep(TWO)
    sweep._queue.appendleft((Align((("c1", 9), ("c2", 9))),))
    edits = sweep.ask()
    assert edits is not None
    assert not isinstance(edits[0], Align)


def test_counts_what_was_tried_by_kind() -> None:
    sweep = Sweep(TALK, chance=Random(0))
    while (edits := sweep.ask()) is not None:
        sweep.tell(edits, Verdict.PASS)
    kinds = sweep.kinds
    assert sum(kinds.values()) == len(sweep.told)
    assert {"gap", "reset", "early_close", "half_close", "slow_reader", "gap x 2"} <= kinds.keys()


def test_what_is_drawn_follows_from_the_seed() -> None:
    def all_of(seed: int) -> list[Edits | None]:
        sweep, asked = Sweep(TALK, chance=Random(seed)), []
        while (edits := sweep.ask()) is not None:
            asked.append(edits)
            sweep.tell(edits, Verdict.PASS)
        return asked

    assert all_of(1) == all_of(1) != all_of(2)


def sweeping(grows_on: bool) -> Sweep:
    chance = Random(0)
    return Sweep(TALK, chance=chance, portfolio=Portfolio(TALK, chance), grows_on=grows_on)


def asked(sweep: Sweep, most: int) -> list[Edits]:
    """Ask and tell; every run brings events into an order of its own."""
    every: list[Edits] = []
    while len(every) < most and (edits := sweep.ask()) is not None:
        events = [(10 * MS, f"before {len(every)}"), (20 * MS, f"after {len(every)}")]
        done = {After(Kind.OPEN, "c1"): 1 * MS, After(Kind.STEP, "c1", 1): 2 * MS}
        sweep.tell(edits, Verdict.PASS, Trace(done, {}, (), events))
        every.append(edits)
    return every


def test_some_changes_grow_from_others_once_the_likely_ones_were_tried() -> None:
    thought_of = set(candidates(TALK, chance=Random(0)))
    every = asked(sweeping(grows_on=False), 10_000)
    grown = [number for number, edits in enumerate(every) if edits not in thought_of]
    assert min(grown) >= GROWN_FROM
    assert 0 < len(grown) <= (len(every) - GROWN_FROM) / GROWN_EVERY + 1


def test_it_ends_when_all_was_tried_unless_runs_cost_nothing() -> None:
    ends = len(asked(sweeping(grows_on=False), 10_000))
    assert ends < 10_000
    assert len(asked(sweeping(grows_on=True), ends + 300)) == ends + 300
