"""Before and after a change: whether it fails less often, and how sure that is."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from replay.statistics.rate import CONFIDENCE, Rate
from replay.statistics.repeats import clean_runs_for_fix

SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two rates of a fixed number of runs each, with the p-value of Boschloo's test, one-sided.

    `needed` is how many clean runs a fix needs; None where nothing failed before.
    """

    before: Rate
    after: Rate
    p_value: float
    needed: int | None

    @property
    def is_less(self) -> bool:
        """Whether it fails less often than before, more clearly than chance explains."""
        return self.p_value < SIGNIFICANCE

    @property
    def is_fixed(self) -> bool:
        """Whether no run failed, in as many as a fix needs."""
        enough = self.needed is not None and self.after.runs >= self.needed
        return enough and self.after.failures == 0 and self.is_less

    @property
    def sentence(self) -> str:
        """What a person should know of it."""
        if not self.after.runs:
            return "no run after the change was judged"
        counts = f"failed before in {self.before}, now in {self.after}"
        chance = f"Boschloo's test, p = {self.p_value:.2g}"
        if self.after.failures:
            how = "less often than before" if self.is_less else "not clearly less often than before"
            return f"it still fails, {how} ({chance}): {counts}"
        if self.is_fixed:
            return f"fixed as far as these runs can tell ({chance}): {counts}; {self.needs}"
        return f"not shown to be fixed ({chance}): {counts}; {self.needs}"

    @property
    def needs(self) -> str:
        """How many clean runs the fix needs, as a clause."""
        if self.needed is None:
            return "nothing failed before, so no number of clean runs shows a fix"
        runs = f"{self.needed} clean run{'' if self.needed == 1 else 's'}"
        low = f"{100 * self.before.low:.2g} %"
        return (
            f"a fix needs {runs} to rule out at {100 * CONFIDENCE:.0f} % a failure in {low} of runs"
        )

    def to_json(self) -> dict[str, Any]:
        """Return the fields, with the verdict."""
        return {
            "before": self.before.to_json(),
            "after": self.after.to_json(),
            "p_value": round(self.p_value, 6),
            "clean_runs_needed": self.needed,
            "is_less": self.is_less,
            "is_fixed": self.is_fixed,
        }


def compared(before: Rate, after: Rate) -> Comparison:
    """Return the comparison of a failure before and after a change."""
    return Comparison(before, after, p_value_of(before, after), clean_runs_for_fix(before))


def differs(before: Rate, after: Rate, significance: float = SIGNIFICANCE) -> bool:
    """Whether `before` fails more often than `after`, by Boschloo's exact test, one-sided."""
    return p_value_of(before, after) < significance


def p_value_of(before: Rate, after: Rate) -> float:
    """Return how probable such a difference is by chance alone; 1 where there are no runs.

    Boschloo's test is exact as Fisher's is, and finds more.
    """
    from scipy.stats import boschloo_exact  # slow to import, and only some commands need it

    if 0 in (before.runs, after.runs):
        return 1.0
    table = [
        [before.failures, after.failures],
        [before.runs - before.failures, after.runs - after.failures],
    ]
    with _no_log_set_up():
        return float(boschloo_exact(table, alternative="greater").pvalue)


@contextmanager
def _no_log_set_up() -> Iterator[None]:
    """Keep what calls `logging.info` from setting up a log to stderr, as scipy's optimizer does.

    All that is logged from then on would go there.
    """
    root, nowhere = logging.getLogger(), logging.NullHandler()
    root.addHandler(nowhere)
    try:
        yield
    finally:
        root.removeHandler(nowhere)
