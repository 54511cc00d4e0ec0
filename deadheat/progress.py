"""Progress of long work: one line that is drawn anew on a terminal, nothing in a pipe."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replay.experiment import Trial

WIDTH = 100


@dataclass(slots=True)
class TrialProgress:
    """Shows the run that just ended, and the failures so far."""

    budget: int
    label: str = "hunting"
    _failures: int = 0
    _best: str = ""
    _shown: bool = field(default_factory=sys.stderr.isatty)

    def on_trial(self, trial: Trial) -> None:
        """Show one more run."""
        symptom = trial.judgement.symptom
        if symptom is not None:
            self._failures += 1
            self._best = f"{symptom.kind}: {symptom.detail}"
        if self._shown:
            line = (
                f"{self.label}: run {trial.number} of at most {self.budget} ({trial.purpose}), "
                f"{self._failures} failed  {self._best}"
            )
            print(f"\r{line[:WIDTH]:{WIDTH}}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leave the line."""
        if self._shown:
            print(file=sys.stderr)
