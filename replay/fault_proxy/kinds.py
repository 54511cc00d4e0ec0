"""All faults, and how they are read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replay.errors import PlanError
from replay.fault_proxy.bandwidth import Bandwidth
from replay.fault_proxy.blackhole import Blackhole
from replay.fault_proxy.down import Down
from replay.fault_proxy.fault import Fault
from replay.fault_proxy.latency import Latency
from replay.fault_proxy.limit_data import LimitData
from replay.fault_proxy.reset import Reset
from replay.fault_proxy.slicer import Slicer
from replay.fault_proxy.slot import Slot
from replay.fault_proxy.slow_close import SlowClose
from replay.fault_proxy.stall import Stall

FAULTS: tuple[type[Fault], ...] = (
    Latency,
    Bandwidth,
    Slicer,
    Slot,
    Stall,
    Blackhole,
    SlowClose,
    Reset,
    LimitData,
    Down,
)


def fault_from(fault: Mapping[str, Any]) -> Fault:
    """Read a fault of a plan or a schedule. Raises PlanError."""
    name = fault.get("name")
    for kind in FAULTS:
        if kind.name == name:
            return kind.from_json(fault)
    raise PlanError(f"fault is {name!r}, expected one of: {', '.join(k.name for k in FAULTS)}")


def parse_fault(text: str) -> Fault:
    """Read a fault as a shell has it: latency:delay_ms=100,jitter_ms=20. Raises PlanError."""
    name, _, given = text.partition(":")
    fields: dict[str, Any] = {"name": name.strip()}
    for setting in filter(None, given.split(",")):
        key, equals, value = (part.strip() for part in setting.partition("="))
        if not equals or key in fields:
            raise PlanError(f"fault is {text!r}, expected NAME:SETTING=VALUE,… each setting once")
        fields[key] = _value(value)
    return fault_from(fields)


def _value(text: str) -> str | int | float:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
