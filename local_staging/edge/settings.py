"""What the environment says about how the edge runs: EDGE_POLICY, EDGE_CONCURRENCY and so on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from local_staging.edge.policy import Policy, limits, policy_named
from local_staging.errors import StagingError
from local_staging.service.settings import required

POLICY_VARIABLE = "EDGE_POLICY"
INSTANCE_LOG_VARIABLE = "EDGE_INSTANCE_LOG"
DEFAULT_POLICY = "cloud-run"


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one edge."""

    policy: Policy
    instance_log: Path

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Read the settings. Raises StagingError."""
        policy = policy_named(environment.get(POLICY_VARIABLE, DEFAULT_POLICY))
        given = {
            name: environment[f"EDGE_{name.upper()}"]
            for name in limits()
            if f"EDGE_{name.upper()}" in environment
        }
        log = required(environment, INSTANCE_LOG_VARIABLE, "where the instances write their log")
        return cls(changed(policy, given), Path(log))


def changed(policy: Policy, given: Mapping[str, str]) -> Policy:
    """Return a policy with limits given as text; `none` takes one away. Raises StagingError."""
    for name in given:
        if name not in limits():
            raise StagingError(f"the edge has no limit {name!r}, expected {', '.join(limits())}")
    changes = {name: _value(name, text, getattr(policy, name)) for name, text in given.items()}
    return replace(policy, **changes)


def _value(name: str, text: str, known: object) -> Any:  # noqa: ANN401 - what the field takes
    if name == "cut" and text in ("fin", "rst"):
        return text
    if isinstance(known, bool) and text in ("true", "false"):
        return text == "true"
    if name in ("handshake_timeout_s", "idle_connection_s") and text == "none":
        return None
    number = name not in ("cut", "session_affinity")
    if number and isinstance(known, int) and re.fullmatch(r"\d{1,6}", text):
        return int(text)
    if number and not isinstance(known, int) and re.fullmatch(r"\d{1,6}(\.\d+)?", text):
        return float(text)
    raise StagingError(f"the limit {name} of the edge is {text!r}, expected {_expected(name)}")


def _expected(name: str) -> str:
    if name == "cut":
        return "fin or rst"
    if name == "session_affinity":
        return "true or false"
    what = "seconds" if name.endswith("_s") else "a number"
    return f"{what} or none" if name in ("handshake_timeout_s", "idle_connection_s") else what
