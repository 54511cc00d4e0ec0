"""Something goes wrong between the server and a service that it needs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from replay.errors import PlanError
from replay.fault_proxy import Fault, Latency, fault_from
from replay.fields_json import fields_from_json, fields_to_json
from replay.perturbations.edit import StepFree
from replay.plan import After, Cue, Plan, ProxyFault

# How often a server asks a service for one answer, at most, one question after the other.
ROUND_TRIPS = 10


@dataclass(frozen=True, slots=True)
class ServiceFault(StepFree):
    """Put a fault on the fault proxy called `proxy`, `gap_ns` after an event, for `for_ns`.

    None is to the end. Whoever replays says where that proxy is (`--fault-proxy`).
    """

    name: ClassVar[str] = "fault"
    varied: ClassVar[str] = "gap_ns"

    proxy: str
    after: After
    gap_ns: int = 0
    for_ns: int | None = None
    fault: Fault = field(kw_only=True)

    def __post_init__(self) -> None:
        if self.gap_ns < 0 or (self.for_ns is not None and self.for_ns < 0):
            raise PlanError(f"the fault edit is {self.to_json()}, expected times of 0 or more")

    @property
    def connection(self) -> str:
        """The connection whose event it follows."""
        return self.after.connection

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return str(self.after)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        key = json.dumps(self.to_json(), sort_keys=True)
        on = Cue(self.after, self.gap_ns, ProxyFault(self.proxy, key, self.fault))
        plan = _patient(plan, self._holds_up_ns)
        if self.for_ns is None:
            return plan.with_cues(on)
        lifted = ProxyFault(self.proxy, key, None)
        return plan.with_cues(on, Cue(self.after, self.gap_ns + self.for_ns, lifted))

    @property
    def _holds_up_ns(self) -> int:
        """By how much an answer may be later for it; a fault without an end is not waited out."""
        if self.for_ns is not None:
            return self.for_ns
        if isinstance(self.fault, Latency):
            return ROUND_TRIPS * 2 * self.fault.delay_ns
        return 0

    def to_json(self) -> dict[str, Any]:
        """Return the edit as it stands in a finding."""
        return {
            "perturbation": self.name,
            "connection": self.connection,
            "step": self.step,
            **fields_to_json(self, besides=("fault",)),
            "fault": self.fault.to_json(),
        }

    @classmethod
    def from_json(cls, edit: Mapping[str, Any]) -> ServiceFault:
        """Read what `to_json` wrote. Raises PlanError."""
        fault = edit.get("fault")
        read = fault_from(fault if isinstance(fault, Mapping) else {"name": fault})
        rest = {name: value for name, value in edit.items() if name != "fault"}
        return cls(**fields_from_json(cls, rest, besides=("fault",)), fault=read)


def _patient(plan: Plan, by_ns: int) -> Plan:
    """Return the plan with longer patience on every connection."""
    return plan.with_steps(
        replace(step, expected_wait_ns=step.expected_wait_ns + by_ns) for step in plan.steps()
    )
