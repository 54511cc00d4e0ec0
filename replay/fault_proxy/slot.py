"""Bytes wait for the next slot and then come together, as over Wi-Fi or a coalescing network card.

Messages that were sent apart arrive in one read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.fault import BOTH, Fault, Stage, Timed

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class Slot(Fault):
    """Hold what comes until a slot opens, `every_ns` later, give or take `varies_ns`.

    All that came by then goes with it, up to `most_bytes`; the rest waits for the next.
    """

    name: ClassVar[str] = "slot"

    every_ns: int
    varies_ns: int = 0
    most_bytes: int | None = None
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        times = self.every_ns > self.varies_ns >= 0
        self.expect(times, "an every_ms above varies_ms, and that 0 or more")
        room = self.most_bytes is None or self.most_bytes > 0
        self.expect(room, "a most_bytes above 0, or none")

    def stage(self, generator: Random) -> Stage:
        """Return its stage."""
        return _Slotted(self, generator)


class _Slotted(Stage):
    def __init__(self, fault: Slot, generator: Random) -> None:
        self._fault = fault
        self._random = generator
        self._opens_ns = -1
        self._room = 0

    def data(self, data: bytes, at_ns: int) -> Iterator[Timed]:
        most_bytes = self._fault.most_bytes
        start = 0
        while start < len(data):
            if at_ns > self._opens_ns:
                self._next_slot(at_ns)
            elif most_bytes is not None and self._room == 0:
                self._next_slot(self._opens_ns)
            part = data[start:] if most_bytes is None else data[start : start + self._room]
            self._room -= len(part)
            start += len(part)
            yield part, self._opens_ns

    def _next_slot(self, after_ns: int) -> None:
        fault = self._fault
        varies_ns = self._random.randint(-fault.varies_ns, fault.varies_ns)
        self._opens_ns = after_ns + fault.every_ns + varies_ns
        self._room = 0 if fault.most_bytes is None else fault.most_bytes
