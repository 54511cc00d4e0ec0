"""Chunks come in small pieces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.fault import BOTH, Fault, Stage, Timed

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class Slicer(Fault):
    """Cut what comes into pieces of `size_bytes`, give or take `varies_bytes`, `every_ns` apart."""

    name: ClassVar[str] = "slicer"

    size_bytes: int
    varies_bytes: int = 0
    every_ns: int = 0
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        sizes = self.size_bytes > self.varies_bytes >= 0
        self.expect(sizes, "a size_bytes above varies_bytes, and that 0 or more")
        self.expect(self.every_ns >= 0, "an every_ms of 0 or more")

    def stage(self, generator: Random) -> Stage:
        """Return its stage."""
        return _Sliced(self, generator)


class _Sliced(Stage):
    def __init__(self, fault: Slicer, generator: Random) -> None:
        self._fault = fault
        self._random = generator
        self._free_ns = 0

    def data(self, data: bytes, at_ns: int) -> Iterator[Timed]:
        fault, start = self._fault, 0
        while start < len(data):
            varies = self._random.randint(-fault.varies_bytes, fault.varies_bytes)
            piece = data[start : start + fault.size_bytes + varies]
            due_ns = max(at_ns, self._free_ns)
            self._free_ns = due_ns + fault.every_ns
            yield piece, due_ns
            start += len(piece)
