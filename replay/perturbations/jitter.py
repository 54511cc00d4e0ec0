"""Delay every step by a time of its own, drawn from a seed."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import ClassVar

from replay.perturbations.edit import StepFree
from replay.plan import Plan

DISTRIBUTIONS = ("log_uniform", "uniform", "exponential")


@dataclass(frozen=True, slots=True)
class Jitter(StepFree):
    """Delay each step by `low_ns` to `high_ns`, on one connection or without one on all.

    Log-uniform draws try small and large times alike; `exponential` has its mean in the middle and
    is cut at `high_ns`. The same seed draws the same times. `steps` has (connection, step) pairs
    when only these are delayed: their draws stay what they were.
    """

    name: ClassVar[str] = "jitter"
    varied: ClassVar[str] = "high_ns"

    high_ns: int
    low_ns: int = 100_000
    seed: int = 0
    distribution: str = "log_uniform"
    connection: str = ""
    steps: tuple[tuple[str, int], ...] = ()

    def __post_init__(self) -> None:
        self.expect(0 <= self.low_ns <= self.high_ns, "0 <= low_ms <= high_ms")
        known = self.distribution in DISTRIBUTIONS
        self.expect(known, f"a distribution out of {', '.join(DISTRIBUTIONS)}")
        at_zero = self.distribution == "log_uniform" and self.low_ns == 0
        self.expect(not at_zero, "a low_ms above 0, as the logarithm of 0 is nowhere")

    def shrinks(self, plan: Plan) -> Iterator[Jitter]:
        """Yield the same draws for fewer steps, then for each alone."""
        delayed = self.steps or tuple(self.delays_ns(plan))
        if len(delayed) > 1:
            half = len(delayed) // 2
            yield replace(self, steps=delayed[:half])
            yield replace(self, steps=delayed[half:])
            yield from (replace(self, steps=(each,)) for each in delayed)

    def delays_ns(self, plan: Plan) -> dict[tuple[str, int], int]:
        """Return by how much each step is delayed."""
        generator = random.Random(self.seed)
        steps = plan.of(self.connection) if self.connection else plan.steps()
        drawn = {(step.connection, step.index): self._drawn_ns(generator) for step in steps}
        for connection, index in self.steps:
            plan.step(connection, index)
        return {place: drawn[place] for place in drawn if not self.steps or place in self.steps}

    def apply(self, plan: Plan) -> Plan:
        """Return the perturbed plan."""
        changed = []
        for (connection, index), by_ns in self.delays_ns(plan).items():
            step = plan.step(connection, index)
            changed.append(replace(step, late_ns=step.late_ns + by_ns))
        return plan.with_steps(changed)

    def _drawn_ns(self, generator: random.Random) -> int:
        if self.distribution == "uniform":
            return round(generator.uniform(self.low_ns, self.high_ns))
        if self.distribution == "exponential":
            mean_ns = (self.high_ns - self.low_ns) / 2
            return min(self.high_ns, self.low_ns + round(generator.expovariate(1.0) * mean_ns))
        return round(math.exp(generator.uniform(math.log(self.low_ns), math.log(self.high_ns))))
