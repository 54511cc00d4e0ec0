"""The connection ends after so many bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.fault import BOTH, Ending, Fault, Stage, Timed

if TYPE_CHECKING:
    from random import Random

ENDINGS = {"close": Ending.CLOSED_BY_FAULT, "reset": Ending.RESET_BY_FAULT}


@dataclass(frozen=True, slots=True)
class LimitData(Fault):
    """Let `most_bytes` through, then end the connection; what comes after them is lost.

    `how` is close or reset.
    """

    name: ClassVar[str] = "limit_data"

    most_bytes: int
    how: str = "close"
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(self.most_bytes >= 0, "a most_bytes of 0 or more")
        self.expect(self.how in ENDINGS, f"a how out of {', '.join(ENDINGS)}")

    def stage(self, generator: Random) -> Stage:
        """Return its stage; nothing is drawn."""
        return _Limited(self.most_bytes, ENDINGS[self.how])


class _Limited(Stage):
    def __init__(self, most_bytes: int, ending: Ending) -> None:
        self._left = most_bytes
        self._ending = ending

    def data(self, data: bytes, at_ns: int) -> list[Timed]:
        if len(data) < self._left:
            self._left -= len(data)
            return [(data, at_ns)]
        passed, self._left = data[: self._left], 0
        before: list[Timed] = [(passed, at_ns)] if passed else []
        return [*before, (self._ending, at_ns)]
