"""What all faults have in common: JSON, the shell's way of writing, directions."""

from __future__ import annotations

import pytest

from replay.errors import PlanError
from replay.fault_proxy import FAULTS, Latency, fault_from, parse_fault
from tests.unit.replay.captures import MS

TEXTS = [
    "latency:delay_ms=100,jitter_ms=2.5,direction=server_to_client",
    "bandwidth:bytes_per_s=1000",
    "slicer:size_bytes=10,varies_bytes=2,every_ms=1",
    "stall:probability=0.1",
    "blackhole",
    "slow_close:delay_ms=5,toxicity=0.5",
    "reset:after_ms=20",
    "limit_data:most_bytes=0",
]


@pytest.mark.parametrize("text", TEXTS)
def test_what_is_written_reads_back(text: str) -> None:
    fault = parse_fault(text)
    assert fault_from(fault.to_json()) == fault


def test_every_kind_is_here() -> None:
    assert [parse_fault(text).name for text in TEXTS] == [kind.name for kind in FAULTS]


def test_directions() -> None:
    one_way = Latency(5 * MS, direction="client_to_server")
    ways = ("client_to_server", "server_to_client")
    assert [one_way.works(way) for way in ways] == [True, False]
    assert [Latency(5).works(way) for way in ways] == [True, True]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("lag", "fault is 'lag', expected one of: latency, bandwidth"),
        ("latency", "has no 'delay_ms', which it needs"),
        ("latency:100", "expected NAME:SETTING=VALUE"),
        ("latency:delay=100", "the latency fault has 'delay', expected only delay_ms"),
        ("latency:delay_ms=soon", "expected a number of milliseconds"),
        ("blackhole:toxicity=7", "a toxicity from 0 to 1"),
    ],
)
def test_what_is_no_fault_is_explained(text: str, complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        parse_fault(text)
