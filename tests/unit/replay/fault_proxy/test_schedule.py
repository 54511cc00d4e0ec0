import json
from pathlib import Path
from typing import Any

import pytest

from replay.errors import PlanError
from replay.fault_proxy import Latency, Reset, Scheduled, read_schedule
from tests.unit.replay.fault_proxy.streams import MS

LATENCY = {"name": "latency", "delay_ms": 5}


def read(tmp_path: Path, text: str) -> tuple[Scheduled, ...]:
    path = tmp_path / "schedule.json"
    path.write_text(text)
    return read_schedule(path)


def test_entries_have_a_time_a_length_and_a_fault(tmp_path: Path) -> None:
    entries = [
        {"at_ms": 100, "for_ms": 0.5, "fault": LATENCY},
        {"fault": {"name": "reset"}},
    ]
    assert read(tmp_path, json.dumps(entries)) == (
        Scheduled(100 * MS, MS // 2, Latency(5 * MS)),
        Scheduled(0, None, Reset()),
    )


@pytest.mark.parametrize(
    ("entries", "complaint"),
    [
        ({}, "is no list, expected a list such as"),
        ([3], "3 has no fault"),
        ([{"at_ms": 1}], "has no fault"),
        ([{"at_ms": 1, "fault": "latency"}], "has no fault"),
        ([{"at_ms": -1, "fault": LATENCY}], "at_ms is -1, expected milliseconds from 0"),
        ([{"at_ms": "1", "fault": LATENCY}], "at_ms is '1', expected milliseconds"),
        ([{"at_ms": True, "fault": LATENCY}], "at_ms is True, expected milliseconds"),
        ([{"for_ms": -1, "fault": LATENCY}], "for_ms is -1, expected milliseconds"),
        ([{"after_ms": 1, "fault": LATENCY}], "'after_ms', expected only at_ms, for_ms, fault"),
        ([{"fault": {"name": "lag"}}], "schedule.json: fault is 'lag', expected one of"),
    ],
)
def test_anything_else_is_one_clear_line(tmp_path: Path, entries: Any, complaint: str) -> None:  # noqa: ANN401
    with pytest.raises(PlanError, match=complaint):
        read(tmp_path, json.dumps(entries))


def test_a_file_that_is_no_json_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="is no JSON"):
        read(tmp_path, "[")
    with pytest.raises(PlanError, match=r"cannot read .*absent.json: No such file"):
        read_schedule(tmp_path / "absent.json")
