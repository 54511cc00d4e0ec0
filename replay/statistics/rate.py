"""How often real runs fail, of a number of runs that was fixed before.

The interval is the exact one (Clopper-Pearson): it holds the true probability at least as often as
it says, also of few runs and near 0 and 1, which no approximation does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Rate:
    """Failures among runs, with the exact (Clopper-Pearson) interval of their probability."""

    failures: int
    runs: int
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {
            "failures": self.failures,
            "runs": self.runs,
            "low": round(self.low, 4),
            "high": round(self.high, 4),
        }

    def __str__(self) -> str:
        return (
            f"{self.failures} of {self.runs} runs "
            f"(95 % interval {100 * self.low:.0f} to {100 * self.high:.0f} %)"
        )


def rate(failures: int, runs: int, confidence: float = CONFIDENCE) -> Rate:
    """Return the rate of `failures` among `runs`; with no runs nothing is known: 0 to 1.

    Raises ValueError unless 0 <= failures <= runs.
    """
    from scipy.special import betaincinv  # slow to import, and only some commands need it

    if not 0 <= failures <= runs:
        raise ValueError(f"{failures} failures of {runs} runs, expected 0 to {runs}")
    tail = (1 - confidence) / 2
    low = float(betaincinv(failures, runs - failures + 1, tail)) if failures else 0.0
    high = float(betaincinv(failures + 1, runs - failures, 1 - tail)) if failures < runs else 1.0
    return Rate(failures, runs, low, high)


def probable(measured: Rate) -> float:
    """Return a rate that the true one is hardly below; 1 where every run failed.

    It is the low end of an interval of 60 %, so the true rate is below it in a fifth of the cases.
    """
    if measured.failures == measured.runs:
        return 1.0
    return rate(measured.failures, measured.runs, confidence=0.6).low
