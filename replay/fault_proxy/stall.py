"""Now and then a chunk waits for a retransmission: what packet loss is to a TCP connection."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from replay.fault_proxy.fault import BOTH, Fault, Stage, Timed

# The shortest time after which Linux sends a lost segment again.
RETRANSMISSION_NS = 200_000_000


@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """With `probability` a chunk, and all after it, waits `for_ns`; again doubles the wait."""

    name: ClassVar[str] = "stall"

    probability: float
    for_ns: int = RETRANSMISSION_NS
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(0 <= self.probability < 1, "a probability from 0 to below 1")
        self.expect(self.for_ns >= 0, "a for_ms of 0 or more")

    def stage(self, generator: random.Random) -> Stage:
        """Return its stage."""
        return _Stalled(self, generator)


class _Stalled(Stage):
    def __init__(self, fault: Stall, generator: random.Random) -> None:
        self._fault = fault
        self._random = generator

    def pass_on(self, data: bytes, at_ns: int) -> list[Timed]:
        wait_ns, late_ns = self._fault.for_ns, 0
        while self._random.random() < self._fault.probability:
            late_ns += wait_ns
            wait_ns *= 2
        return [(data, at_ns + late_ns)]
