"""Many clients at once: copies of a session, begun within a window."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from replay.correlation import Correlation
from replay.perturbations.edit import StepFree, fewer
from replay.plan import After, Plan, Step

MOST_COPIES = 10_000


@dataclass(frozen=True, slots=True)
class Storm(StepFree):
    """Play `copies` more of the session beside it, each begun at a time drawn from `within_ns`.

    With `connection` it is that one alone which is copied. Copies are called c1~1, c1~2, …; each is
    judged as its original is.
    """

    name: ClassVar[str] = "storm"
    varied: ClassVar[str] = "within_ns"

    copies: int
    within_ns: int = 0
    connection: str = ""
    seed: int = 0

    def __post_init__(self) -> None:
        self.expect(1 <= self.copies <= MOST_COPIES, f"1 to {MOST_COPIES} copies")
        self.expect(self.within_ns >= 0, "a within_ms of 0 or more")

    @property
    def anchor(self) -> str:
        """What the value counts from."""
        return "the first copy"

    def shrinks(self, plan: Plan) -> Iterator[Storm]:
        """Yield smaller storms."""
        for copies in fewer(self.copies, least=1):
            yield replace(self, copies=copies)

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        generator = random.Random(self.seed)
        copied = (
            {self.connection: plan.of(self.connection)}
            if self.connection
            else dict(plan.connections)
        )
        connections, owed = dict(plan.connections), dict(plan.owed)
        network = dict(plan.network)
        for number in range(1, self.copies + 1):
            late_ns = round(generator.uniform(0, self.within_ns))
            for name, steps in copied.items():
                copy = f"{name}~{number}"
                self.expect(copy not in connections, "a plan without a storm of this connection")
                connections[copy] = tuple(
                    _copied(step, number, copied.keys(), late_ns) for step in steps
                )
                owed[copy] = plan.owed_to(name)
                network[copy] = plan.network_of(name)
        return replace(
            plan,
            connections=connections,
            owed=owed,
            network=network,
            correlation=self._correlated(plan, copied.keys()),
        )

    def _correlated(self, plan: Plan, copied: Collection[str]) -> Correlation:
        """Return the links of the session and of each copy, which has ids of its own."""
        correlation = plan.correlation
        for number in range(1, self.copies + 1):

            def name(original: str, number: int = number) -> str:
                return f"{original}~{number}" if original in copied else original

            correlation = correlation.and_also(plan.correlation.renamed(name))
        return correlation


def _copied(step: Step, number: int, names: Collection[str], late_ns: int) -> Step:
    """Return a step as the copy of its connection takes it."""

    def own(after: After) -> After:
        if after.connection not in names:
            return after
        return after.on(f"{after.connection}~{number}")

    # What waits for another copied connection comes late with it.
    begins = step.index == 0 and step.after.connection not in names
    return replace(
        step,
        connection=f"{step.connection}~{number}",
        recorded_at_ns=step.recorded_at_ns + late_ns,
        after=own(step.after),
        needs=tuple(own(need) for need in step.needs),
        late_ns=step.late_ns + (late_ns if begins else 0),
    )
