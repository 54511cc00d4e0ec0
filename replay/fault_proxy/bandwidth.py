"""So many bytes a second, no more."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.fault import BOTH, Fault, Stage, Timed

if TYPE_CHECKING:
    from random import Random

# How often a stream that is limited moves on.
TICK_NS = 10_000_000


@dataclass(frozen=True, slots=True)
class Bandwidth(Fault):
    """Let `bytes_per_s` through, on each connection."""

    name: ClassVar[str] = "bandwidth"

    bytes_per_s: int
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(self.bytes_per_s > 0, "a bytes_per_s above 0")

    def stage(self, generator: Random) -> Stage:
        """Return its stage; nothing is drawn."""
        return _Narrow(self.bytes_per_s)


class _Narrow(Stage):
    def __init__(self, bytes_per_s: int) -> None:
        self._bytes_per_s = bytes_per_s
        self._chunk = max(1, bytes_per_s * TICK_NS // 10**9)
        self._free_ns = 0

    def data(self, data: bytes, at_ns: int) -> Iterator[Timed]:
        for start in range(0, len(data), self._chunk):
            part = data[start : start + self._chunk]
            self._free_ns = max(self._free_ns, at_ns) + len(part) * 10**9 // self._bytes_per_s
            yield part, self._free_ns
