"""What the server must, or must not, write into its log during a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from replay.errors import CheckError
from replay.oracles.checks.field import compiled
from replay.oracles.checks.observed import Observed
from replay.oracles.checks.outcome import cannot_tell, counted, verdict_of
from replay.oracles.verdict import Judgement, Symptom, SymptomKind

LONGEST_LINE = 300


@dataclass(frozen=True, slots=True)
class LogPattern:
    """No line of the run's log matches `never`, and one at least matches `must`."""

    name: ClassVar[str] = "log_pattern"
    first: ClassVar[str] = "never"

    never: str = ""
    must: str = ""

    def __post_init__(self) -> None:
        if not self.never and not self.must:
            raise CheckError(f"{self.name} needs never=REGEX or must=REGEX")
        for pattern in (self.never, self.must):
            compiled(pattern)

    def judge(self, seen: Observed) -> Judgement:
        """Return pass, or fail with every line that should not be there or that is missing."""
        if seen.log is None:
            return cannot_tell("the server's log was not read: name it with --log FILE")
        symptoms = []
        if self.never:
            symptoms += [
                Symptom(SymptomKind.LOG, f"line {number} of the log: {line.strip()[:LONGEST_LINE]}")
                for number, line in enumerate(seen.log, 1)
                if compiled(self.never).search(line)
            ]
        looked_at = f"{counted(len(seen.log), 'line')} of the log looked at"
        if self.must and not any(compiled(self.must).search(line) for line in seen.log):
            detail = f"no line of the log matches {self.must}"
            symptoms.append(Symptom(SymptomKind.LOG, detail))
        return verdict_of(symptoms, looked_at)
