"""What a check came to: fail with its symptoms, pass with what it looked at, or unknown and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from replay.oracles.verdict import Judgement, Symptom, Verdict, judged

# More of the same tells nothing more; the rest is counted.
MOST_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """The judgement of one check, which is known by its text."""

    check: str
    judgement: Judgement

    @property
    def verdict(self) -> Verdict:
        """What it came to."""
        return self.judgement.verdict

    @property
    def detail(self) -> str:
        """What it saw, on one line."""
        details = [symptom.detail for symptom in self.judgement.symptoms]
        return "; ".join(filter(None, (*details, self.judgement.reason)))

    def doubted(self, reason: str) -> Outcome:
        """Return the same of a run that does not tell: it proves no pass."""
        if self.verdict is not Verdict.PASS:
            return self
        return Outcome(self.check, cannot_tell(reason))

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {
            "check": self.check,
            "verdict": self.verdict,
            "reason": self.judgement.reason,
            "symptoms": [symptom.to_json() for symptom in self.judgement.symptoms],
        }


def cannot_tell(reason: str) -> Judgement:
    """Return unknown: there was nothing to look at, or it cannot be seen."""
    return Judgement(Verdict.UNKNOWN, reason=reason)


def verdict_of(symptoms: Sequence[Symptom], looked_at: str) -> Judgement:
    """Return fail with these symptoms, or pass; `looked_at` says what was seen either way."""
    more = len(symptoms) - MOST_SHOWN
    seen = f"and {more} more like these; {looked_at}" if more > 0 else looked_at
    return replace(judged(symptoms[:MOST_SHOWN]), reason=seen)


def counted(number: int, thing: str) -> str:
    """Return a number with its noun, in the right form."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
