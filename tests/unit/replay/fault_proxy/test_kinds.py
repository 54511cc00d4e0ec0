import pytest

from replay.errors import PlanError
from replay.fault_proxy import (
    FAULTS,
    Bandwidth,
    Blackhole,
    Down,
    Fault,
    Latency,
    LimitData,
    Reset,
    Slicer,
    Slot,
    SlowClose,
    Stall,
    fault_from,
    parse_fault,
)
from tests.unit.replay.fault_proxy.streams import MS

EACH = (
    Latency(100 * MS, 20 * MS, "pareto", 0.25, "client_to_server", 0.5),
    Bandwidth(1000, "server_to_client"),
    Slicer(10, 5, 2 * MS),
    Slot(20 * MS, 5 * MS, 4096),
    Stall(0.01, correlation=0.5),
    Blackhole(500 * MS),
    SlowClose(80 * MS),
    Reset(1 * MS),
    LimitData(3, "reset"),
    Down(),
)


def test_there_is_an_example_of_each() -> None:
    assert tuple(type(fault) for fault in EACH) == FAULTS


@pytest.mark.parametrize("fault", EACH, ids=lambda fault: fault.name)
def test_is_read_as_it_is_written(fault: Fault) -> None:
    written = fault.to_json()
    assert fault_from(written) == fault
    assert parse_fault(str(fault)) == fault


def test_a_shell_may_have_spaces() -> None:
    assert parse_fault("latency: delay_ms = 5, jitter_ms=1,") == Latency(5 * MS, 1 * MS)
    assert parse_fault("blackhole") == Blackhole()


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("lag:delay_ms=5", "fault is 'lag', expected one of: latency, bandwidth"),
        ("", "fault is '', expected one of"),
        ("latency:5", "expected NAME:SETTING=VALUE"),
        ("latency:delay_ms=5,delay_ms=6", "each setting once"),
        ("latency:name=down,delay_ms=5", "each setting once"),
        ("latency:delay_ms=soon", "delay_ms 'soon', expected a number of milliseconds"),
    ],
)
def test_anything_else_is_one_clear_line(text: str, complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        parse_fault(text)
