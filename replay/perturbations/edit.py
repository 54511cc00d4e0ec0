"""What every perturbation is: frozen data that checks itself, is written as JSON, and shrinks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Self

from replay.errors import PlanError
from replay.fields_json import fields_from_json, fields_to_json
from replay.plan import Plan

# Closer than this two timings are the same one on a live server.
SMALLEST_NS = 100_000


class Edit(ABC):
    """One change of a plan. A subclass is a frozen dataclass with a `name`.

    `connection` and `step` say where it is. Most have one number that a search varies, `varied`;
    it counts from `anchor`.
    """

    __slots__ = ()

    name: ClassVar[str]
    noun: ClassVar[str] = "edit"
    varied: ClassVar[str] = ""

    if TYPE_CHECKING:

        @property
        def connection(self) -> str:
            """The connection that it changes; empty where it is all of them."""

        @property
        def step(self) -> int:
            """The step that it changes, or from which on it works."""

    @abstractmethod
    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan. Raises PlanError when the plan has no such place."""

    @property
    def has_value(self) -> bool:
        """Whether it has a number that a search may vary."""
        return bool(self.varied) and getattr(self, self.varied) is not None

    @property
    def value_ns(self) -> int:
        """The number that a search varies."""
        value: int = getattr(self, self.varied)
        return value

    def with_value(self, value_ns: int) -> Self:
        """Return the same edit with another value."""
        return replace(self, **{self.varied: value_ns})  # type: ignore[type-var]

    @property
    def anchor(self) -> str:
        """What the value counts from, to people."""
        return "as recorded"

    def recorded_ns(self, plan: Plan) -> int | None:
        """Return what the recording has in place of the value; None when it has none."""
        return None

    def shrinks(self, plan: Plan) -> Iterator[Self]:
        """Yield gentler versions, the gentlest first."""
        if self.has_value:
            recorded_ns = self.recorded_ns(plan)
            toward_ns = 0 if recorded_ns is None else recorded_ns
            yield from map(self.with_value, halves(self.value_ns, toward_ns))

    def to_json(self) -> dict[str, Any]:
        """Return the edit as it stands in a finding; what is as by default is left out."""
        where = {"connection": self.connection, "step": self.step}
        return {"perturbation": self.name, **where, **fields_to_json(self)}

    @classmethod
    def from_json(cls, edit: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote. Raises PlanError."""
        return cls(**fields_from_json(cls, edit))

    def expect(self, holds: bool, what: str) -> None:
        """Raise PlanError unless the data is what was expected."""
        if not holds:
            raise self.wrong(what)

    def wrong(self, expected: str) -> PlanError:
        """Return the error that says what is, and what was expected."""
        return PlanError(f"the {self.name} edit is {fields_to_json(self)}, expected {expected}")


class StepFree(Edit):
    """A change that is not at one step."""

    __slots__ = ()

    @property
    def step(self) -> int:
        """The step from which on it works: the opening."""
        return 0


class Added(Edit):
    """A change that adds time at a step; the recording has none of it."""

    __slots__ = ()

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return f"the usual time of {self.connection} step {self.step}"

    def recorded_ns(self, plan: Plan) -> int:
        """Return what the recording has in place of the value."""
        plan.step(self.connection, self.step)
        return 0


def fewer(count: int, least: int) -> Iterator[int]:
    """Yield numbers below a count: the least, then one half-way."""
    yield from dict.fromkeys(n for n in (least, (least + count) // 2) if n < count)


def halves(value: int, toward: int) -> Iterator[int]:
    """Yield values between `toward` and a value: `toward`, then half of the rest each time."""
    candidate = toward
    while abs(value - candidate) > SMALLEST_NS:
        yield candidate
        candidate = (candidate + value) // 2
