"""The connection is torn down after a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.fault import BOTH, Cut, Ending, Fault, Stage

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class Reset(Fault):
    """Reset the connection `after_ns` after this was put on, or the connection began.

    With a direction only the end that it leads to hears a reset; the other one is closed.
    """

    name: ClassVar[str] = "reset"

    after_ns: int = 0
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(self.after_ns >= 0, "an after_ms of 0 or more")

    @property
    def cut(self) -> Cut:
        """When the connection is reset."""
        return Cut(self.after_ns, Ending.RESET_BY_FAULT)

    def stage(self, generator: Random) -> Stage:
        """Return its stage: bytes pass until then."""
        return Stage()
