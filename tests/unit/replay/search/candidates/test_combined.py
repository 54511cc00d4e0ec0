import random

from replay.perturbations import Gap, Reset, ServiceFault
from replay.search.candidates import Changeable
from replay.search.candidates.combined import combined
from tests.unit.replay.search.plans import TALK, TWO

BOTH = Changeable(proxies=("redis", "auth"))


def drawn(seed: int) -> list[tuple[Gap, ...]]:
    several = [edits for _, edits in combined(TWO, Changeable(), random.Random(seed))]
    return [tuple(edit for edit in edits if isinstance(edit, Gap)) for edits in several]


def test_two_or_three_neighbouring_steps_move_together() -> None:
    for edits in drawn(0):
        assert len(edits) in {2, 3}
        assert len({(edit.connection, edit.step) for edit in edits}) == len(edits)


def test_times_are_drawn_over_orders_of_magnitude_and_often_there_is_no_pause() -> None:
    gaps_ns = [edit.gap_ns for edits in drawn(0) for edit in edits]
    assert len(gaps_ns) > 50
    assert 0.2 < gaps_ns.count(0) / len(gaps_ns) < 0.5
    paused = [gap_ns for gap_ns in gaps_ns if gap_ns]
    assert min(paused) < 5_000_000
    assert max(paused) > 500_000_000


def test_the_seed_says_what_is_drawn() -> None:
    assert drawn(1) == drawn(1) != drawn(2)


def test_all_services_hang_at_once_for_a_while() -> None:
    several = [edits for _, edits in combined(TWO, BOTH, random.Random(0))]
    hanging = [edits for edits in several if all(isinstance(e, ServiceFault) for e in edits)]
    assert {
        tuple(edit.proxy for edit in edits if isinstance(edit, ServiceFault)) for edits in hanging
    } == {("redis", "auth")}
    for edits in hanging:
        (first, second) = edits
        assert isinstance(first, ServiceFault)
        assert isinstance(second, ServiceFault)
        assert (first.after, first.gap_ns) == (second.after, second.gap_ns)
        assert first.for_ns


def test_a_service_is_slow_and_a_client_gone() -> None:
    several = [edits for _, edits in combined(TALK, BOTH, random.Random(0))]
    pairs = [edits for edits in several if any(isinstance(edit, Reset) for edit in edits)]
    assert [type(edit) for edit in pairs[0]] == [ServiceFault, Reset]


def test_one_service_does_not_hang_with_others() -> None:
    alone = combined(TALK, Changeable(proxies=("redis",)), random.Random(0))
    assert not [edits for _, edits in alone if all(isinstance(e, ServiceFault) for e in edits)]
