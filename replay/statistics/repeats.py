"""How many runs it takes to see a failure of some rate, or to trust that it is gone."""

from __future__ import annotations

import math

from replay.statistics.rate import CONFIDENCE, Rate

# What is above a whole number by less than this is rounding.
_ROUNDING = 1e-9


def repeats_to_see(failure_rate: float, miss: float = 0.05, most: int = 10) -> int:
    """Return how many runs see at least one failure of that rate, except in a share `miss`."""
    if failure_rate <= 0:
        return most
    needed = clean_runs_needed(min(failure_rate, 1.0), 1 - miss)
    return most if needed is None else min(most, needed)


def clean_runs_needed(failure_rate: float, confidence: float = CONFIDENCE) -> int | None:
    """Return how many runs without a failure rule a failure of this rate out, so surely.

    About 3 / rate for small rates at 95 % (the rule of three). None for a rate of 0: no number of
    runs rules out what never shows. Raises ValueError for what is no rate or no confidence.
    """
    if not 0 <= failure_rate <= 1 or not 0 < confidence < 1:
        raise ValueError(
            f"rate {failure_rate} and confidence {confidence}, expected 0 to 1 and between 0 and 1"
        )
    if failure_rate == 0:
        return None
    if failure_rate == 1:
        return 1
    exact = math.log1p(-confidence) / math.log1p(-failure_rate)
    return max(1, math.ceil(exact * (1 - _ROUNDING)))


def clean_runs_for_fix(before: Rate, confidence: float = CONFIDENCE) -> int | None:
    """Return how many clean runs a fix needs of a failure that was measured before.

    The lower bound of the rate counts, as the failure may be as rare as that. None where nothing
    failed before.
    """
    return clean_runs_needed(before.low, confidence)
