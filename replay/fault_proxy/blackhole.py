"""Nothing comes through, and nobody is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.fault import BOTH, NEVER, Cut, Ending, Fault, Stage, Timed

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class Blackhole(Fault):
    """Hold all bytes and ends until it is lifted; with `close_after_ns` close the connection then.

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
    def cut(self) -> Cut | None:
        """When the connection is closed."""
        if self.close_after_ns is None:
            return None
        return Cut(self.close_after_ns, Ending.CLOSED_BY_FAULT)

    def stage(self, generator: Random) -> Stage:
        """Return its stage; nothing is drawn."""
        return _Held()


class _Held(Stage):
    def data(self, data: bytes, at_ns: int) -> list[Timed]:
        return [(data, NEVER)]

    def end(self, ending: Ending, at_ns: int) -> list[Timed]:
        return [(ending, NEVER)]
