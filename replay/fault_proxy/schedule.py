"""Faults over time: when each is put on, and for how long."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from replay.errors import PlanError
from replay.fault_proxy.fault import Fault
from replay.fault_proxy.kinds import fault_from
from replay.fields_json import MOST_MS

EXPECTED = 'a list such as [{"at_ms": 0, "for_ms": 500, "fault": {"name": "latency", …}}]'
KNOWN = ("at_ms", "for_ms", "fault")


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A fault, put on `at_ns` after the start and lifted `for_ns` later; None is to the end."""

    at_ns: int
    for_ns: int | None
    fault: Fault


def read_schedule(path: Path) -> tuple[Scheduled, ...]:
    """Read the schedule of a file. Raises PlanError."""
    try:
        entries = json.loads(path.read_text())
    except OSError as error:
        raise PlanError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise PlanError(f"{path} is no JSON ({error}), expected {EXPECTED}") from error
    if not isinstance(entries, list):
        raise PlanError(f"{path} is no list, expected {EXPECTED}")
    try:
        return tuple(scheduled_from(entry) for entry in entries)
    except PlanError as error:
        raise PlanError(f"{path}: {error}") from error


def scheduled_from(entry: Any) -> Scheduled:  # noqa: ANN401  any JSON
    """Read one entry of a schedule. Raises PlanError."""
    if not isinstance(entry, Mapping) or not isinstance(entry.get("fault"), Mapping):
        raise PlanError(f"{entry!r} has no fault, expected entries of {EXPECTED}")
    for name in entry:
        if name not in KNOWN:
            raise PlanError(f"an entry has {name!r}, expected only {', '.join(KNOWN)}")
    for_ms = entry.get("for_ms")
    return Scheduled(
        at_ns=_time_ns("at_ms", entry.get("at_ms", 0)),
        for_ns=None if for_ms is None else _time_ns("for_ms", for_ms),
        fault=fault_from(entry["fault"]),
    )


def _time_ns(name: str, value: Any) -> int:  # noqa: ANN401  any JSON
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MOST_MS:
        return round(value * 1e6)
    raise PlanError(f"{name} is {value!r}, expected milliseconds from 0 to {MOST_MS:g}")
