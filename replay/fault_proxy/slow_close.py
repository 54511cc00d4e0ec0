"""The end of a stream comes late."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.fault import BOTH, Ending, Fault, Stage, Timed

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class SlowClose(Fault):
    """Hold a FIN for `delay_ns`; a reset comes at once."""

    name: ClassVar[str] = "slow_close"

    delay_ns: int
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(self.delay_ns >= 0, "a delay_ms of 0 or more")

    def stage(self, generator: Random) -> Stage:
        """Return its stage; nothing is drawn."""
        return _LateEnd(self.delay_ns)


class _LateEnd(Stage):
    def __init__(self, delay_ns: int) -> None:
        self._delay_ns = delay_ns

    def end(self, ending: Ending, at_ns: int) -> list[Timed]:
        return [(ending, at_ns + (self._delay_ns if ending is Ending.FIN else 0))]
