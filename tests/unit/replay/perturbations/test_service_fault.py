import pytest

from replay.errors import PlanError
from replay.fault_proxy import Blackhole, Latency
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


def waits_ns(edit: ServiceFault) -> set[int]:
    before, after = PLAN.steps(), edit.apply(PLAN).steps()
    return {b.expected_wait_ns - a.expected_wait_ns for a, b in zip(before, after, strict=True)}


def test_an_answer_may_be_as_late_as_the_fault_makes_it() -> None:
    assert waits_ns(ServiceFault("redis", OPEN, 0, 50 * MS, fault=Blackhole())) == {50 * MS}
    assert waits_ns(ServiceFault("redis", OPEN, fault=LATE)) == {20 * 100 * MS}
    assert waits_ns(ServiceFault("redis", OPEN, fault=Blackhole())) == {0}


def test_all_that_was_expected_still_is() -> None:
    plan = ServiceFault("redis", OPEN, fault=LATE).apply(PLAN)
    assert not plan.owed
    assert plan.disturbs_server
    assert plan.cuts_server_off
    assert not PLAN.disturbs_server


@pytest.mark.parametrize("fields", [{"gap_ns": -1}, {"for_ns": -1}])
def test_times_below_zero_are_refused(fields: dict[str, int]) -> None:
    with pytest.raises(PlanError, match="expected times of 0 or more"):
        ServiceFault("redis", OPEN, fault=LATE, **fields)
