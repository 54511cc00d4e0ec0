"""Now and then a chunk waits for a retransmission: what packet loss is to a TCP connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.delays import Chance
from replay.fault_proxy.fault import BOTH, Fault, Stage, Timed

if TYPE_CHECKING:
    from random import Random

# Linux waits this long before it sends a lost segment again, doubles that each time up to the
# longest, and gives up after so many times.
RETRANSMISSION_NS = 200_000_000
LONGEST_NS = 120_000_000_000
MOST_RETRANSMISSIONS = 15


@dataclass(frozen=True, slots=True)
class Stall(Fault):
    """With `probability` a chunk, and all after it, waits `for_ns`; lost again, twice as long.

    `correlation` makes losses come in bursts; their share stays.
    """

    name: ClassVar[str] = "stall"

    probability: float
    for_ns: int = RETRANSMISSION_NS
    correlation: float = 0.0
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(0 <= self.probability < 1, "a probability from 0 to below 1")
        self.expect(self.for_ns >= 0, "a for_ms of 0 or more")
        self.expect(0 <= self.correlation < 1, "a correlation from 0 to below 1")

    def stage(self, generator: Random) -> Stage:
        """Return its stage."""
        return _Stalled(self, generator)


class _Stalled(Stage):
    def __init__(self, fault: Stall, generator: Random) -> None:
        self._fault = fault
        self._chance = Chance(generator, fault.correlation)

    def data(self, data: bytes, at_ns: int) -> list[Timed]:
        wait_ns, late_ns = self._fault.for_ns, 0
        for _ in range(MOST_RETRANSMISSIONS):
            if self._chance.uniform() >= self._fault.probability:
                break
            late_ns += wait_ns
            wait_ns = max(wait_ns, min(2 * wait_ns, LONGEST_NS))
        return [(data, at_ns + late_ns)]
