"""The service is gone: nobody listens, and who was connected is reset."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.fault import BOTH, Cut, Ending, Fault, Stage

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class Down(Fault):
    """Refuse new connections and reset the living ones, until it is lifted."""

    name: ClassVar[str] = "down"

    direction: ClassVar[str] = BOTH
    toxicity: ClassVar[float] = 1.0

    @property
    def cut(self) -> Cut:
        """Living connections are reset at once."""
        return Cut(0, Ending.RESET_BY_FAULT)

    @property
    def refuses(self) -> bool:
        """New connections are refused."""
        return True

    def stage(self, generator: Random) -> Stage:
        """Return its stage: there is nothing left to hold."""
        return Stage()
