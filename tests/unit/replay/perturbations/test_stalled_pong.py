import pytest

from replay.errors import PlanError
from replay.perturbations import StalledPong
from tests.unit.replay.perturbations.sessions import PLAN


@pytest.mark.parametrize("by_ns", [None, 0, 5])
def test_pongs_come_late_or_never_and_the_server_may_give_up(by_ns: int | None) -> None:
    plan = StalledPong("c1", by_ns).apply(PLAN)
    assert plan.network_of("c1").pong_delay_ns == by_ns
    assert plan.network_of("c2").pong_delay_ns == 0
    owed = plan.owed_to("c1")
    assert (owed.replies, owed.ending, owed.grace) == (False, False, False)


def test_before_the_ping_is_no_time() -> None:
    with pytest.raises(PlanError, match="a by_ms of 0 or more, or none"):
        StalledPong("c1", -1)
