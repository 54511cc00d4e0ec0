"""Times by chance: several distributions, each draw tied to the one before if that is asked for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

UNIFORM, NORMAL, PARETO, PARETO_NORMAL, LOG_UNIFORM = DISTRIBUTIONS = (
    "uniform",
    "normal",
    "pareto",
    "pareto_normal",
    "log_uniform",
)
PARETO_SHAPE = 3.0
PARETO_SHARE = 0.75
# Below 1, so that the quantile of a Pareto distribution stays finite.
MOST_LIKELY = 1 - 2**-53


class Chance:
    """Draws whose neighbours correlate by `correlation`, 0 to below 1.

    The distribution of the single draw stays what it is, whatever the correlation: they are tied
    as normal numbers and then mapped.
    """

    def __init__(self, generator: Random, correlation: float) -> None:
        self._random = generator
        self._correlation = correlation
        self._last: float | None = None

    def normal(self) -> float:
        """Return a draw with mean 0 and standard deviation 1."""
        drawn, tie = self._random.gauss(0, 1), self._correlation
        if self._last is not None:
            drawn = tie * self._last + math.sqrt(1 - tie * tie) * drawn
        self._last = drawn
        return drawn

    def uniform(self) -> float:
        """Return a draw between 0 and 1."""
        return _share_below(self.normal())


def drawn_ns(chance: Chance, distribution: str, delay_ns: int, jitter_ns: int) -> int:
    """Return a time of 0 or more around `delay_ns`."""
    if jitter_ns == 0:
        return delay_ns
    normal = chance.normal()
    share = _share_below(normal)
    match distribution:
        case "normal":
            by = normal
        case "pareto":
            by = _pareto(share)
        case "pareto_normal":
            by = PARETO_SHARE * _pareto(share) + (1 - PARETO_SHARE) * normal
        case "log_uniform":
            low_ns, high_ns = delay_ns - jitter_ns, delay_ns + jitter_ns
            return round(low_ns * math.pow(high_ns / low_ns, share))
        case _:
            by = 2 * share - 1
    return max(0, delay_ns + round(by * jitter_ns))


def _share_below(normal: float) -> float:
    return 0.5 * (1 + math.erf(normal / math.sqrt(2)))


def _pareto(share: float) -> float:
    return math.pow(1 - min(share, MOST_LIKELY), -1 / PARETO_SHAPE) - 1
