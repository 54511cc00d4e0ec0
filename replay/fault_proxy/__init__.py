"""A TCP relay with faults: for a server's Redis, its database, its auth service, or itself.

Faults are data, one file a kind; `pipe` decides what goes out when, `proxy` does it. To add one,
copy `latency.py` and its test, and add it to FAULTS.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from replay.errors import PlanError
from replay.fault_proxy.bandwidth import Bandwidth
from replay.fault_proxy.blackhole import Blackhole
from replay.fault_proxy.fault import Fault
from replay.fault_proxy.latency import Latency
from replay.fault_proxy.limit_data import LimitData
from replay.fault_proxy.reset import ResetPeer
from replay.fault_proxy.slicer import Slicer
from replay.fault_proxy.slow_close import SlowClose
from replay.fault_proxy.stall import Stall

__all__ = [
    "FAULTS",
    "Bandwidth",
    "Blackhole",
    "Fault",
    "Latency",
    "LimitData",
    "ResetPeer",
    "Slicer",
    "SlowClose",
    "Stall",
    "fault_from",
    "parse_fault",
]

FAULTS: tuple[type[Fault], ...] = (
    Latency,
    Bandwidth,
    Slicer,
    Stall,
    Blackhole,
    SlowClose,
    ResetPeer,
    LimitData,
)


def fault_from(fault: Mapping[str, Any]) -> Fault:
    """Read a fault of a plan. Raises PlanError."""
    name = fault.get("name")
    for kind in FAULTS:
        if kind.name == name:
            return kind.from_json(fault)
    raise PlanError(f"fault is {name!r}, expected one of: {', '.join(k.name for k in FAULTS)}")


def parse_fault(text: str) -> Fault:
    """Read a fault as a shell has it: latency:delay_ms=100,jitter_ms=20. Raises PlanError."""
    name, _, settings = text.partition(":")
    fields: dict[str, Any] = {"name": name}
    for setting in filter(None, settings.split(",")):
        key, equals, value = setting.partition("=")
        if not equals:
            raise PlanError(f"fault is {text!r}, expected NAME:SETTING=VALUE,SETTING=VALUE")
        fields[key.strip()] = _value(value.strip())
    return fault_from(fields)


def _value(text: str) -> str | int | float:
    for number in (int, float):
        try:
            return number(text)
        except ValueError:
            continue
    return text
