"""The connection is torn down: after a time, or after so many bytes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from replay.fault_proxy.fault import BOTH, Fault, Stage


@dataclass(frozen=True, slots=True)
class ResetPeer(Fault):
    """Reset both sides `after_ns` after it began, or after the connection was made."""

    name: ClassVar[str] = "reset"

    after_ns: int = 0
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(self.after_ns >= 0, "an after_ms of 0 or more")

    @property
    def cuts_after_ns(self) -> int:
        """How long after it began the connection is cut."""
        return self.after_ns

    def stage(self, generator: random.Random) -> Stage:
        """Return its stage: bytes pass until then."""
        return Stage()
