"""How the edge of a staging is to run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from local_staging.edge.policy import policy_named
from local_staging.edge.settings import changed


@dataclass(frozen=True, slots=True)
class EdgeSettings:
    """The name of a policy, and limits that are to differ from it, as text."""

    policy: str = "cloud-run"
    limits: Mapping[str, str] = field(default_factory=dict)

    def environment(self) -> dict[str, str]:
        """Return the variables that say so. Raises StagingError."""
        changed(policy_named(self.policy), self.limits)
        limits = {f"EDGE_{name.upper()}": text for name, text in self.limits.items()}
        return {"EDGE_POLICY": self.policy, **limits}
