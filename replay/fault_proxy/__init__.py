"""A TCP relay with faults: for a server's Redis, its database, its auth service, or itself.

Faults are data, one file a kind; `pipe` decides what goes out when, `relay` and `proxy` do it. To
add a fault, copy `latency.py` and its test, and add it to FAULTS in `kinds.py`.
"""

from __future__ import annotations

from replay.fault_proxy.bandwidth import Bandwidth
from replay.fault_proxy.blackhole import Blackhole
from replay.fault_proxy.down import Down
from replay.fault_proxy.fault import Fault
from replay.fault_proxy.kinds import FAULTS, fault_from, parse_fault
from replay.fault_proxy.latency import Latency
from replay.fault_proxy.limit_data import LimitData
from replay.fault_proxy.reset import Reset
from replay.fault_proxy.schedule import Scheduled, read_schedule
from replay.fault_proxy.slicer import Slicer
from replay.fault_proxy.slot import Slot
from replay.fault_proxy.slow_close import SlowClose
from replay.fault_proxy.stall import Stall

__all__ = [
    "FAULTS",
    "Bandwidth",
    "Blackhole",
    "Down",
    "Fault",
    "Latency",
    "LimitData",
    "Reset",
    "Scheduled",
    "Slicer",
    "Slot",
    "SlowClose",
    "Stall",
    "fault_from",
    "parse_fault",
    "read_schedule",
]
