import pytest

from replay.errors import PlanError
from replay.fault_proxy import Latency
from replay.perturbations import ServiceFault
from replay.plan import After, Kind, ProxyFault
from tests.unit.replay.captures import MS
from tests.unit.replay.perturbations.sessions import PLAN

OPEN = After(Kind.OPEN, "c1")
LATE = Latency(100 * MS)


def test_it_is_put_on_and_taken_off() -> None:
    plan = ServiceFault("redis", OPEN, 5 * MS, 50 * MS, fault=LATE).apply(PLAN)
    on, off = plan.cues
    assert (on.after, on.gap_ns, off.gap_ns) == (OPEN, 5 * MS, 55 * MS)
    assert isinstance(on.change, ProxyFault)
    assert isinstance(off.change, ProxyFault)
    assert (on.change.proxy, on.change.fault, off.change.fault) == ("redis", LATE, None)
    assert on.change.key == off.change.key


def test_without_an_end_it_stays() -> None:
    assert len(ServiceFault("redis", OPEN, fault=LATE).apply(PLAN).cues) == 1


def test_all_that_was_expected_still_is() -> None:
    assert not ServiceFault("redis", OPEN, fault=LATE).apply(PLAN).owed


@pytest.mark.parametrize("fields", [{"gap_ns": -1}, {"for_ns": -1}])
def test_times_below_zero_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(PlanError, match="expected times of 0 or more"):
        ServiceFault("redis", OPEN, fault=LATE, **fields)
