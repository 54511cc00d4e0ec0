from replay.perturbations import HalfClose
from replay.plan import End, Ending
from tests.unit.replay.perturbations.sessions import PLAN


def test_it_ends_one_half() -> None:
    assert HalfClose("c1", 2).apply(PLAN).step("c1", 2).action == End(Ending.HALF_CLOSE)
