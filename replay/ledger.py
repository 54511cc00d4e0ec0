"""What a hunt has spent so far, and what it noted: its runs, unperturbed ones, reasons."""

from __future__ import annotations

from dataclasses import dataclass, field

from replay.experiment import Experiment, Trial
from replay.failure import rate_of
from replay.oracles.verdict import Verdict
from replay.statistics import Rate


@dataclass(slots=True)
class Ledger:
    """The account of one hunt: at most `budget` runs of the experiment."""

    experiment: Experiment
    budget: int
    controls: list[Verdict] = field(default_factory=list)
    _reasons: list[str] = field(default_factory=list)

    @property
    def left(self) -> int:
        """How many runs the budget still has."""
        return self.budget - len(self.experiment.trials)

    @property
    def control_rate(self) -> Rate:
        """How often unperturbed runs fail."""
        return rate_of(self.controls)

    @property
    def reasons(self) -> tuple[str, ...]:
        """What a person should know of how it went, each once."""
        return tuple(dict.fromkeys(self._reasons))

    def note(self, *reasons: str) -> None:
        """Keep what a person should know."""
        self._reasons += reasons

    async def control(self) -> Trial:
        """Have an unperturbed run, between the perturbed ones, so that drift accuses nobody."""
        trial = await self.experiment.run((), "control")
        self.controls.append(trial.verdict)
        return trial
