"""What every fault is: frozen data, and the stage that it puts into a stream of bytes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Self

from replay.errors import PlanError
from replay.fields_json import fields_from_json, fields_to_json

if TYPE_CHECKING:
    from random import Random

TO_SERVER, TO_CLIENT, BOTH = "client_to_server", "server_to_client", "both"
DIRECTIONS = (TO_SERVER, TO_CLIENT, BOTH)

NEVER = 1 << 62
"""Due at no time, until the fault is lifted."""


class Ending(StrEnum):
    """How a stream ends: as its sender ended it, or as a fault ends the whole connection."""

    FIN = "fin"
    RESET = "reset"
    CLOSED_BY_FAULT = "closed by a fault"
    RESET_BY_FAULT = "reset by a fault"


Item = bytes | Ending
Timed = tuple[Item, int]
"""Bytes or an end, and when they go on, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Cut:
    """The connection ends `after_ns` after the fault was put on, or the connection began."""

    after_ns: int
    ending: Ending


class Stage:
    """What a fault does to one direction of one connection. This one lets everything through.

    A stage says when things go on; that they keep their order is the pipe's work. What a stage
    does not pass on is lost, and only a fault that ends the connection may do that.
    """

    def data(self, data: bytes, at_ns: int) -> Iterable[Timed]:
        """Take bytes that came; return, piece by piece, what goes on, and when."""
        return [(data, at_ns)]

    def end(self, ending: Ending, at_ns: int) -> Iterable[Timed]:
        """Take the end of the stream; return what goes on, and when."""
        return [(ending, at_ns)]


class Fault(ABC):
    """Something that is wrong with a connection. A subclass is a frozen dataclass with a `name`.

    `direction` says which way it works, `toxicity` on which share of the connections. Raises
    PlanError when built with what cannot be.
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
    def stage(self, generator: Random) -> Stage:
        """Return its stage for one direction of one connection."""

    @property
    def cut(self) -> Cut | None:
        """Whether, when and how it ends the connection by time."""
        return None

    @property
    def refuses(self) -> bool:
        """Whether no new connection is accepted."""
        return False

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

    def __str__(self) -> str:
        """Return the fault as a shell has it: latency:delay_ms=100,jitter_ms=20."""
        settings = (f"{key}={_plain(value)}" for key, value in fields_to_json(self).items())
        return ":".join(filter(None, (self.name, ",".join(settings))))

    @classmethod
    def from_json(cls, fault: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote. Raises PlanError."""
        fields = {name: value for name, value in fault.items() if name != "name"}
        return cls(**fields_from_json(cls, fields))


def _plain(value: object) -> object:
    """Write 100.0 as 100."""
    return int(value) if isinstance(value, float) and value.is_integer() else value
