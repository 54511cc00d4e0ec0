"""Perturbations: one change of a plan's timing, or of what is around it, each; one file a kind.

Each is an `Edit`: data that applies itself to a plan, reads and writes JSON, and shrinks. To add
one, copy `delay.py` and its test, and add it to KINDS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from replay.errors import PlanError
from replay.perturbations.align import Align
from replay.perturbations.burst import Burst
from replay.perturbations.delay import Delay
from replay.perturbations.dribble import Dribble
from replay.perturbations.early_close import EarlyClose
from replay.perturbations.edit import Edit
from replay.perturbations.fragment import Refragment
from replay.perturbations.gap import Gap
from replay.perturbations.half_close import HalfClose
from replay.perturbations.handshake_delay import HandshakeDelay
from replay.perturbations.hold import Hold
from replay.perturbations.jitter import Jitter
from replay.perturbations.reconnect import Reconnect
from replay.perturbations.reset import Reset
from replay.perturbations.restart_server import RestartServer
from replay.perturbations.scale import Scale
from replay.perturbations.service_fault import ServiceFault
from replay.perturbations.slow_reader import SlowReader
from replay.perturbations.stalled_pong import StalledPong
from replay.perturbations.starve import Starve
from replay.perturbations.storm import Storm
from replay.plan import Plan

__all__ = [
    "KINDS",
    "Align",
    "Burst",
    "Delay",
    "Dribble",
    "EarlyClose",
    "Gap",
    "HalfClose",
    "HandshakeDelay",
    "Hold",
    "Jitter",
    "Perturbation",
    "Reconnect",
    "Refragment",
    "Reset",
    "RestartServer",
    "Scale",
    "ServiceFault",
    "SlowReader",
    "StalledPong",
    "Starve",
    "Storm",
    "from_json",
    "perturbed",
]

Perturbation = Edit
KINDS: tuple[type[Edit], ...] = (
    Gap,
    Delay,
    Scale,
    Jitter,
    Hold,
    HandshakeDelay,
    Burst,
    Dribble,
    Refragment,
    SlowReader,
    StalledPong,
    Reset,
    HalfClose,
    EarlyClose,
    Reconnect,
    Storm,
    Align,
    Starve,
    RestartServer,
    ServiceFault,
)


def perturbed(plan: Plan, perturbations: Iterable[Perturbation]) -> Plan:
    """Return the plan with every perturbation applied. Raises PlanError."""
    for perturbation in perturbations:
        plan = perturbation.apply(plan)
    return plan


def from_json(edit: Mapping[str, Any]) -> Perturbation:
    """Read one edit of a finding or plan file. Raises PlanError."""
    name = edit.get("perturbation")
    for kind in KINDS:
        if kind.name == name:
            return kind.from_json(edit)
    known = ", ".join(kind.name for kind in KINDS)
    raise PlanError(f"perturbation is {name!r}, expected one of: {known}")
