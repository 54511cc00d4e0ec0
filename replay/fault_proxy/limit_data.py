"""The stream ends after so many bytes."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from replay.fault_proxy.fault import BOTH, Fault, Stage, Timed


@dataclass(frozen=True, slots=True)
class LimitData(Fault):
    """Let `most_bytes` through, then cut the connection; what comes after them is lost."""

    name: ClassVar[str] = "limit_data"

    most_bytes: int
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(self.most_bytes >= 0, "a most_bytes of 0 or more")

    def stage(self, generator: random.Random) -> Stage:
        """Return its stage; nothing is drawn."""
        return Limited(self.most_bytes)


class Limited(Stage):
    """`is_spent` once the limit is reached."""

    def __init__(self, most_bytes: int) -> None:
        self._left = most_bytes

    @property
    def is_spent(self) -> bool:
        """Whether the connection is to be cut."""
        return self._left <= 0

    def pass_on(self, data: bytes, at_ns: int) -> list[Timed]:
        """Take bytes that came; return what is still within the limit."""
        passed, self._left = data[: self._left], self._left - len(data)
        return [(passed, at_ns)] if passed else []
