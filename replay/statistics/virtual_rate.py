"""How often a schedule fails when its times vary a little: for runs in virtual time.

A virtual run of one schedule always ends the same, so repeating it measures nothing. What has a
probability is the failure under jitter, drawn from a seeded generator: the rate holds for the
jitter that is named with it, and for no other.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from replay.statistics.rate import CONFIDENCE

if TYPE_CHECKING:
    from random import Random


class Distribution(StrEnum):
    """How jitter is distributed around 0; its scale is the sigma, or half the width."""

    NORMAL = "normal"
    UNIFORM = "uniform"


@dataclass(frozen=True, slots=True)
class Jitter:
    """A declared model of how times vary. Raises ValueError unless `scale_ns` is above 0."""

    distribution: Distribution
    scale_ns: int

    def __post_init__(self) -> None:
        if self.scale_ns <= 0:
            raise ValueError(f"jitter of {self.scale_ns} ns, expected more than 0")

    def draw_ns(self, random: Random) -> int:
        """Draw by how much one time is off."""
        if self.distribution == Distribution.NORMAL:
            return round(random.gauss(0, self.scale_ns))
        return random.randint(-self.scale_ns, self.scale_ns)

    def __str__(self) -> str:
        scale_ms = f"{self.scale_ns / 1e6:g} ms"
        if self.distribution == Distribution.NORMAL:
            return f"normal jitter, sigma {scale_ms}"
        return f"uniform jitter, ±{scale_ms}"


@dataclass(frozen=True, slots=True)
class VirtualRate:
    """Failures among seeded draws of a jitter, with the Wilson interval of their probability."""

    failures: int
    draws: int
    low: float
    high: float
    jitter: Jitter

    def to_json(self) -> dict[str, Any]:
        """Return the fields, the model with them."""
        return {
            "failures": self.failures,
            "draws": self.draws,
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "interval": "wilson",
            "jitter": {
                "distribution": self.jitter.distribution,
                "scale_ms": self.jitter.scale_ns / 1e6,
            },
        }

    def __str__(self) -> str:
        return (
            f"{self.failures} of {self.draws} draws of {self.jitter} "
            f"(95 % interval {100 * self.low:.1f} to {100 * self.high:.1f} %)"
        )


def virtual_rate(
    failures: int, draws: int, jitter: Jitter, confidence: float = CONFIDENCE
) -> VirtualRate:
    """Return the rate of `failures` among `draws`; with no draws nothing is known: 0 to 1.

    Raises ValueError unless 0 <= failures <= draws.
    """
    from statsmodels.stats.proportion import proportion_confint  # slow to import

    if not 0 <= failures <= draws:
        raise ValueError(f"{failures} failures of {draws} draws, expected 0 to {draws}")
    if not draws:
        return VirtualRate(0, 0, 0.0, 1.0, jitter)
    low, high = proportion_confint(failures, draws, alpha=1 - confidence, method="wilson")
    # Rounding may leave the ends a hair outside.
    return VirtualRate(failures, draws, max(0.0, float(low)), min(1.0, float(high)), jitter)
