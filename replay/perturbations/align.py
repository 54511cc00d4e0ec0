"""Bring steps of several connections to one instant."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from typing import ClassVar

from replay.perturbations.edit import Edit
from replay.plan import After, Barrier, Kind, Plan, Step

FEWEST = 2


@dataclass(frozen=True, slots=True)
class Align(Edit):
    """Let each of `steps` wait until all of them could go; then they go, `apart_ns` between them.

    `steps` are (connection, step) pairs of different connections, in the order in which they go.
    """

    name: ClassVar[str] = "align"
    varied: ClassVar[str] = "apart_ns"

    steps: tuple[tuple[str, int], ...]
    apart_ns: int = 0

    def __post_init__(self) -> None:
        self.expect(len(self.steps) >= FEWEST, "two or more steps")
        different = len({name for name, _ in self.steps}) == len(self.steps)
        self.expect(different, "steps of different connections")
        self.expect(self.apart_ns >= 0, "an apart_ms of 0 or more")

    @property
    def connection(self) -> str:
        """The connection of the step that goes last."""
        return self.steps[-1][0]

    @property
    def step(self) -> int:
        """The step that goes last."""
        return self.steps[-1][1]

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        connection, index = self.steps[-2]
        return f"{connection} step {index}"

    def shrinks(self, plan: Plan) -> Iterator[Align]:
        """Yield fewer steps."""
        if len(self.steps) > FEWEST:
            for fewer in combinations(self.steps, len(self.steps) - 1):
                yield replace(self, steps=fewer)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        aligned = [self._free(plan.step(connection, index)) for connection, index in self.steps]
        barrier = Barrier(self.steps, self.apart_ns)
        return replace(plan.with_steps(aligned), barriers=(*plan.barriers, barrier))

    def _free(self, step: Step) -> Step:
        """Return a step that does not wait for one of those that wait for it."""
        after = step.after
        if after.kind is not Kind.STEP or (after.connection, after.index) not in self.steps:
            return step
        if step.index == 0:
            return replace(step, after=After(Kind.START), gap_ns=0)
        return replace(step, after=After(Kind.STEP, step.connection, step.index - 1), gap_ns=0)
