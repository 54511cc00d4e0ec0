"""What every fault is: frozen data, and the stage that it puts into a stream of bytes."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Self

from replay.errors import PlanError
from replay.fields_json import fields_from_json, fields_to_json

TO_SERVER, TO_CLIENT, BOTH = "client_to_server", "server_to_client", "both"
DIRECTIONS = (TO_SERVER, TO_CLIENT, BOTH)

Timed = tuple[bytes, int]
"""Bytes, and when they go on, in nanoseconds."""


class Stage:
    """A part of a pipe. This one lets everything through; no stage may lose or reorder a byte."""

    def pass_on(self, data: bytes, at_ns: int) -> list[Timed]:
        """Take bytes that came; return what goes on, and when."""
        return [(data, at_ns)]

    def end(self, at_ns: int) -> int | None:
        """Return when the end of the stream goes on; None holds it."""
        return at_ns

    def release(self, at_ns: int) -> list[Timed]:
        """Return what was held, when the fault is lifted."""
        return []


class Fault(ABC):
    """Something that is wrong with a connection. A subclass is a frozen dataclass with a `name`.

    `direction` says which way it works, `toxicity` on which share of the connections.
    """

    __slots__ = ()

    name: ClassVar[str]
    noun: ClassVar[str] = "fault"

    if TYPE_CHECKING:

        @property
        def direction(self) -> str:
            """Which way it works."""

        @property
        def toxicity(self) -> float:
            """On which share of the connections."""

    @abstractmethod
    def stage(self, generator: random.Random) -> Stage:
        """Return its stage for one direction of one connection."""

    @property
    def cuts_after_ns(self) -> int | None:
        """How long after it began the connection is cut; None is not by time."""
        return None

    def works(self, direction: str) -> bool:
        """Whether it works on this direction."""
        return self.direction in (direction, BOTH)

    def check(self) -> None:
        """Raise PlanError unless what all faults have is right."""
        self.expect(self.direction in DIRECTIONS, f"a direction out of {', '.join(DIRECTIONS)}")
        self.expect(0 <= self.toxicity <= 1, "a toxicity from 0 to 1")

    def expect(self, holds: bool, what: str) -> None:
        """Raise PlanError unless the data is what was expected."""
        if not holds:
            raise PlanError(f"the {self.name} fault is {fields_to_json(self)}, expected {what}")

    def to_json(self) -> dict[str, Any]:
        """Return the fault as it stands in a plan."""
        return {"name": self.name, **fields_to_json(self)}

    @classmethod
    def from_json(cls, fault: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote. Raises PlanError."""
        fields = {name: value for name, value in fault.items() if name != "name"}
        return cls(**fields_from_json(cls, fields))
