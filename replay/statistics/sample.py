"""Runs with how they were stopped, which says whether they give a rate.

Who runs until the first failure sees one in the last run whatever the rate is: 1 / runs is far too
high on average. Runs until the r-th failure do give a rate, by sums of their own (inverse
sampling); runs that a test stopped as soon as it was sure give none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replay.statistics.rate import CONFIDENCE, Rate, rate

# With fewer the estimate varies without bound.
FEWEST_FAILURES = 3


class Stopping(StrEnum):
    """What ended the runs."""

    FIXED = "a number of runs fixed before"
    FAILURES = "a number of failures"
    RESULT = "a test that was sure"


class BiasedSample(ValueError):
    """Runs that were stopped by their own results give no rate."""


@dataclass(frozen=True, slots=True)
class InverseRate:
    """The rate of failures by inverse sampling: (failures - 1) / (runs - 1) has no bias.

    The interval is the exact one of the negative binomial distribution. It is no `Rate`, so it
    cannot go into sums that take the number of runs for fixed, such as Boschloo's test.
    """

    failures: int
    runs: int
    estimate: float
    low: float
    high: float

    def to_json(self) -> dict[str, Any]:
        """Return the fields, and how the runs were stopped."""
        return {
            "failures": self.failures,
            "runs": self.runs,
            "estimate": round(self.estimate, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "stopped_by": Stopping.FAILURES,
        }

    def __str__(self) -> str:
        return (
            f"{100 * self.estimate:.0f} % of runs, which ended at failure {self.failures} in run "
            f"{self.runs} (95 % interval {100 * self.low:.0f} to {100 * self.high:.0f} %)"
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """Failures among runs, and what ended the runs. Raises ValueError for what cannot be."""

    failures: int
    runs: int
    stopping: Stopping

    def __post_init__(self) -> None:
        fewest = 1 if self.stopping is Stopping.FAILURES else 0
        if not fewest <= self.failures <= self.runs:
            raise ValueError(
                f"{self.failures} failures of {self.runs} runs, expected {fewest} to {self.runs}"
            )

    def rate(self, confidence: float = CONFIDENCE) -> Rate | InverseRate:
        """Return the rate that these runs give. Raises BiasedSample when they give none."""
        match self.stopping:
            case Stopping.FIXED:
                return rate(self.failures, self.runs, confidence)
            case Stopping.FAILURES if self.failures >= FEWEST_FAILURES:
                return self._inverse(confidence)
        raise BiasedSample(
            f"{self.failures} failures of {self.runs} runs, stopped by {self.stopping}, give no "
            f"rate: run a fixed number, or on to failure {FEWEST_FAILURES} at least"
        )

    def _inverse(self, confidence: float) -> InverseRate:
        from scipy.special import betaincinv  # slow to import, and only some commands need it

        tail, passes = (1 - confidence) / 2, self.runs - self.failures
        low = float(betaincinv(self.failures, passes + 1, tail))
        high = float(betaincinv(self.failures, passes, 1 - tail)) if passes else 1.0
        estimate = (self.failures - 1) / (self.runs - 1)
        return InverseRate(self.failures, self.runs, estimate, low, high)
