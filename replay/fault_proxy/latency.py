"""Bytes come later, each chunk by a time of its own."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import ClassVar

from replay.fault_proxy.fault import BOTH, Fault, Stage, Timed

DISTRIBUTIONS = ("uniform", "normal", "pareto")
PARETO_SHAPE = 3.0


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """Delay by `delay_ns`, give or take `jitter_ns`; the order of bytes stays.

    Uniform draws lie within the jitter; normal ones have it as their standard deviation; pareto
    ones are mostly small, and now and then several times as large.
    """

    name: ClassVar[str] = "latency"

    delay_ns: int
    jitter_ns: int = 0
    distribution: str = "uniform"
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(self.delay_ns >= 0 <= self.jitter_ns, "delay_ms and jitter_ms of 0 or more")
        known = self.distribution in DISTRIBUTIONS
        self.expect(known, f"a distribution out of {', '.join(DISTRIBUTIONS)}")

    def stage(self, generator: random.Random) -> Stage:
        """Return its stage."""
        return _Late(self, generator)


class _Late(Stage):
    def __init__(self, fault: Latency, generator: random.Random) -> None:
        self._fault = fault
        self._random = generator

    def pass_on(self, data: bytes, at_ns: int) -> list[Timed]:
        return [(data, at_ns + self._drawn_ns())]

    def end(self, at_ns: int) -> int:
        return at_ns + self._drawn_ns()

    def _drawn_ns(self) -> int:
        fault = self._fault
        match fault.distribution:
            case "normal":
                jitter_ns = self._random.gauss(0, fault.jitter_ns)
            case "pareto":
                jitter_ns = (self._random.paretovariate(PARETO_SHAPE) - 1) * fault.jitter_ns
            case _:
                jitter_ns = self._random.uniform(-fault.jitter_ns, fault.jitter_ns)
        return max(0, fault.delay_ns + round(jitter_ns))
