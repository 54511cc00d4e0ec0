from replay.perturbations import Reset
from replay.plan import End, Ending
from tests.unit.replay.perturbations.sessions import PLAN


def test_it_is_a_reset_of_tcp() -> None:
    assert Reset("c1", 2).apply(PLAN).step("c1", 2).action == End(Ending.RESET)
