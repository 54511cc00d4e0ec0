import pytest

from replay.errors import PlanError
from replay.perturbations import EarlyClose
from replay.plan import End, Ending
from tests.unit.replay.perturbations.sessions import PLAN


def test_with_a_close_frame_or_without() -> None:
    closed = EarlyClose("c1", 2, code=4000).apply(PLAN).step("c1", 2)
    assert closed.action == End(Ending.CLOSE, 4000)
    assert EarlyClose("c1", 2, code=None).apply(PLAN).step("c1", 2).action == End(Ending.FIN)


@pytest.mark.parametrize("code", [0, 999, 1005, 1006, 1015, 5000])
def test_a_code_that_no_client_may_send_is_refused(code: int) -> None:
    with pytest.raises(PlanError, match="a close code that may be sent"):
        EarlyClose("c1", 2, code=code)
