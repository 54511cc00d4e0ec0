"""Nothing comes through, and nobody is told."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from replay.fault_proxy.fault import BOTH, Fault, Stage, Timed


@dataclass(frozen=True, slots=True)
class Blackhole(Fault):
    """Hold all bytes and ends until it is lifted, or with `close_after_ns` cut the connection then.

    What was held comes when it is lifted, as after a network came back.
    """

    name: ClassVar[str] = "blackhole"

    close_after_ns: int | None = None
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        positive = self.close_after_ns is None or self.close_after_ns >= 0
        self.expect(positive, "a close_after_ms of 0 or more, or none")

    @property
    def cuts_after_ns(self) -> int | None:
        """How long after it began the connection is cut."""
        return self.close_after_ns

    def stage(self, generator: random.Random) -> Stage:
        """Return its stage; nothing is drawn."""
        return _Held()


class _Held(Stage):
    def __init__(self) -> None:
        self._held: list[bytes] = []

    def pass_on(self, data: bytes, at_ns: int) -> list[Timed]:
        self._held.append(data)
        return []

    def end(self, at_ns: int) -> None:
        return None

    def release(self, at_ns: int) -> list[Timed]:
        return [(data, at_ns) for data in self._held]
