"""The sums behind every rate: numbers in, numbers out.

rate          a fixed number of real runs: Clopper-Pearson, never less sure than it says
virtual_rate  seeded draws of a declared jitter: Wilson
sample        how runs were stopped, and so whether they give a rate at all
sequential    does it reproduce often enough: a sequential test, as few runs as that takes
repeats       how many runs it takes to see a failure, or to trust that it is gone
comparison    before and after a fix: Boschloo's test
"""

from __future__ import annotations

from replay.statistics.comparison import Comparison, compared, differs
from replay.statistics.rate import CONFIDENCE, Rate, probable, rate
from replay.statistics.repeats import clean_runs_for_fix, clean_runs_needed, repeats_to_see
from replay.statistics.sample import BiasedSample, InverseRate, Sample, Stopping
from replay.statistics.sequential import Decision, SequentialTest
from replay.statistics.virtual_rate import Jitter, VirtualRate, virtual_rate

__all__ = [
    "CONFIDENCE",
    "BiasedSample",
    "Comparison",
    "Decision",
    "InverseRate",
    "Jitter",
    "Rate",
    "Sample",
    "SequentialTest",
    "Stopping",
    "VirtualRate",
    "clean_runs_for_fix",
    "clean_runs_needed",
    "compared",
    "differs",
    "probable",
    "rate",
    "repeats_to_see",
    "virtual_rate",
]
