"""Perturbations: one change of a plan's timing each, as data; one file a kind.

A perturbation has `name`, `apply(plan) -> Plan`, `to_json() -> dict` and `from_json(dict)`, and
checks itself when built. To add one, copy `gap.py` and its test, and add it to KINDS.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from replay.errors import PlanError
from replay.perturbations.gap import Gap
from replay.perturbations.handshake_delay import HandshakeDelay
from replay.plan import Plan

__all__ = ["KINDS", "Gap", "HandshakeDelay", "Perturbation", "from_json", "perturbed"]

Perturbation = Gap | HandshakeDelay
KINDS: tuple[type[Perturbation], ...] = (Gap, HandshakeDelay)


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
            try:
                return kind.from_json(edit)
            except (KeyError, TypeError, ValueError, OverflowError) as error:
                raise PlanError(f"the {name} edit {dict(edit)} is incomplete: {error}") from error
    known = ", ".join(kind.name for kind in KINDS)
    raise PlanError(f"perturbation is {name!r}, expected one of: {known}")
