from replay.perturbations import Align, Burst
from replay.planning import plan_from_capture
from replay.search.candidates.together import together
from tests.unit.replay.captures import Connection, capture_of
from tests.unit.replay.search.plans import C1, C2, TALK, TWO


def test_messages_of_one_connection_come_in_a_burst() -> None:
    assert Burst("c1", 1, 2) in [edit for _, edit in together(TALK)]


def test_steps_of_connections_open_at_one_time_come_together_in_either_order() -> None:
    pairs = {edit.steps for _, edit in together(TWO) if isinstance(edit, Align)}
    assert (("c1", 1), ("c2", 1)) in pairs
    assert (("c2", 1), ("c1", 1)) in pairs


def test_steps_of_connections_after_one_another_do_not() -> None:
    apart = plan_from_capture(
        capture_of(
            C1.opened(0),
            C1.sent(10, "a"),
            C1.left(20),
            C2.opened(30),
            C2.sent(40, "b"),
            C2.left(50),
        )
    )
    assert [edit for _, edit in together(apart) if isinstance(edit, Align)] == []


def test_many_connections_make_no_more_pairs_than_steps() -> None:
    many = [Connection(f"c{number}") for number in range(60)]
    events = [
        event
        for number, each in enumerate(many)
        for event in (each.opened(number), each.sent(100 + number, "a"), each.left(300 + number))
    ]
    plan = plan_from_capture(capture_of(*events))
    pairs = {frozenset(edit.steps) for _, edit in together(plan) if isinstance(edit, Align)}
    assert 60 < len(pairs) <= 2 * len(list(plan.steps()))
