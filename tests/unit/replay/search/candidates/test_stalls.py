from replay.perturbations import Hold, Starve
from replay.search.candidates.stalls import stalls
from tests.unit.replay.search.plans import TALK


def test_messages_are_held_and_connections_starved_the_first_message_first() -> None:
    rounds: dict[tuple[type, int], int] = {}
    for number, edit in stalls(TALK):
        key = (type(edit), edit.step)
        rounds[key] = min(number, rounds.get(key, number))
    assert rounds.keys() == {(kind, step) for kind in (Hold, Starve) for step in (1, 2)}
    assert rounds[Hold, 1] < rounds[Hold, 2]
