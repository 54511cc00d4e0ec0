"""Bytes come later, each chunk by a time of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from replay.fault_proxy.delays import DISTRIBUTIONS, LOG_UNIFORM, UNIFORM, Chance, drawn_ns
from replay.fault_proxy.fault import BOTH, Ending, Fault, Stage, Timed

if TYPE_CHECKING:
    from random import Random


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """Delay by `delay_ns`, give or take `jitter_ns`; the order of bytes stays.

    Uniform and log-uniform draws lie within the jitter; normal ones have it as their standard
    deviation; Pareto ones are mostly small, and now and then several times as large.
    `correlation` ties each draw to the one before.
    """

    name: ClassVar[str] = "latency"

    delay_ns: int
    jitter_ns: int = 0
    distribution: str = UNIFORM
    correlation: float = 0.0
    direction: str = BOTH
    toxicity: float = 1.0

    def __post_init__(self) -> None:
        self.check()
        self.expect(self.delay_ns >= 0 <= self.jitter_ns, "delay_ms and jitter_ms of 0 or more")
        known = self.distribution in DISTRIBUTIONS
        self.expect(known, f"a distribution out of {', '.join(DISTRIBUTIONS)}")
        self.expect(0 <= self.correlation < 1, "a correlation from 0 to below 1")
        positive = self.distribution != LOG_UNIFORM or self.jitter_ns < self.delay_ns
        self.expect(positive, "a jitter_ms below delay_ms, as log-uniform times are above 0")

    def stage(self, generator: Random) -> Stage:
        """Return its stage."""
        return _Late(self, generator)


class _Late(Stage):
    def __init__(self, fault: Latency, generator: Random) -> None:
        self._fault = fault
        self._chance = Chance(generator, fault.correlation)

    def data(self, data: bytes, at_ns: int) -> list[Timed]:
        return [(data, at_ns + self._drawn_ns())]

    def end(self, ending: Ending, at_ns: int) -> list[Timed]:
        return [(ending, at_ns + self._drawn_ns())]

    def _drawn_ns(self) -> int:
        fault = self._fault
        return drawn_ns(self._chance, fault.distribution, fault.delay_ns, fault.jitter_ns)
