"""Does it reproduce often enough? Wald's sequential test takes as few runs as the answer needs.

Between 50 % and 90 %, with errors of 5 %, that is 2 runs on average for what hardly ever fails, 6
for what always does and 13 in between at worst, where a fixed number would always be 13.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from replay.statistics.sample import Sample, Stopping


class Decision(StrEnum):
    """What the runs so far say."""

    ENOUGH = "it fails often enough"
    TOO_SELDOM = "it fails too seldom"
    OPEN = "not decided yet"


@dataclass(slots=True)
class SequentialTest:
    """Ask and tell: while `ask` says so, make a run and `tell` whether it failed.

    What fails at the rate `too_seldom` or less passes for enough in a share `alpha` of cases at
    most, what fails at `enough` or more for too seldom in a share `beta`. After `most` runs it
    stays open.
    Raises ValueError unless 0 < too_seldom < enough < 1.
    """

    too_seldom: float = 0.5
    enough: float = 0.9
    alpha: float = 0.05
    beta: float = 0.05
    most: int = 100
    failures: int = 0
    runs: int = 0
    _decision: Decision = Decision.OPEN

    def __post_init__(self) -> None:
        if not 0 < self.too_seldom < self.enough < 1:
            raise ValueError(
                f"{self.too_seldom} is too seldom and {self.enough} enough, expected two rates "
                "inside 0 to 1, the lower one first"
            )
        for share in (self.alpha, self.beta):
            if not 0 < share < 0.5:
                raise ValueError(f"an error of {share}, expected more than 0 and less than 0.5")

    @property
    def decision(self) -> Decision:
        """What the runs so far say."""
        return self._decision

    @property
    def sample(self) -> Sample:
        """The runs as a sample: their results stopped them, so they give no rate."""
        return Sample(self.failures, self.runs, Stopping.RESULT)

    def ask(self) -> bool:
        """Whether another run is needed."""
        return self._decision is Decision.OPEN and self.runs < self.most

    def tell(self, failed: bool) -> None:
        """Count a run. Raises ValueError when none was asked for."""
        if not self.ask():
            raise ValueError(f"after {self.runs} runs none was asked for: {self._decision}")
        self.runs += 1
        self.failures += failed
        # Wald's own bounds, (1 - beta) / alpha and beta / (1 - alpha), keep the errors only about;
        # these keep them for certain (Ville's inequality) and cost less than one run.
        if self._evidence >= -math.log(self.alpha):
            self._decision = Decision.ENOUGH
        elif self._evidence <= math.log(self.beta):
            self._decision = Decision.TOO_SELDOM

    @property
    def _evidence(self) -> float:
        """The logarithm of how much likelier the runs are at `enough` than at `too_seldom`."""
        per_failure = math.log(self.enough / self.too_seldom)
        per_pass = math.log((1 - self.enough) / (1 - self.too_seldom))
        return self.failures * per_failure + (self.runs - self.failures) * per_pass
