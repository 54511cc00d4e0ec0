"""What a hunt found, as data: the answer, its proof, and where the records are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from replay.oracles.verdict import Symptom
from replay.perturbations import Perturbation
from replay.plan import After
from replay.statistics import Rate


class Answer(StrEnum):
    """What a hunt says in the end."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class FailingWindow:
    """Where the gap between a step and the event it follows makes the failure; None: not found."""

    connection: str
    step: int
    after: After | str
    low_ns: int | None
    high_ns: int | None

    def to_json(self) -> dict[str, Any]:
        """Return the fields, in milliseconds."""
        return {
            "connection": self.connection,
            "step": self.step,
            "after": str(self.after),
            "low_ms": _ms(self.low_ns),
            "high_ms": _ms(self.high_ns),
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """A minimal change of timing, its failing window, how often it fails, and how that shows."""

    edits: tuple[Perturbation, ...]
    window: FailingWindow
    rate: Rate
    symptom: Symptom

    def to_json(self) -> dict[str, Any]:
        """Return the finding as the command line prints it."""
        return {
            "edits": [edit.to_json() for edit in self.edits],
            "window": self.window.to_json(),
            "rate": self.rate.to_json(),
            "symptom": {"kind": self.symptom.kind, "detail": self.symptom.detail},
        }


@dataclass(frozen=True, slots=True)
class HuntResult:
    """The outcome of a hunt. `reasons` say why it ended so; `tried` counts single edits swept."""

    answer: Answer
    runs: int
    control: Rate
    finding: Finding | None
    reasons: Sequence[str] = ()
    tried: int = 0
    left: int = 0

    def to_json(self) -> dict[str, Any]:
        """Return the line that `hunt --json` ends with."""
        return {
            "verdict": self.answer,
            "runs": self.runs,
            "control": self.control.to_json(),
            "finding": None if self.finding is None else self.finding.to_json(),
            "reasons": list(self.reasons),
            "swept": {"tried": self.tried, "left": self.left},
        }


def _ms(value_ns: int | None) -> float | None:
    return None if value_ns is None else round(value_ns / 1e6, 3)


def sentences(result: HuntResult) -> list[str]:
    """Return the outcome of a hunt as a person reads it."""
    lines = [f"{result.answer} in {result.runs} runs"]
    if result.finding is not None:
        window, finding = result.finding.window, result.finding
        low, high = (_edge(value) for value in (window.low_ns, window.high_ns))
        lines += [
            f"  {finding.symptom.kind}: {finding.symptom.detail}",
            f"  when {window.connection} step {window.step} comes {low} to {high} ms "
            f"after {window.after}",
            f"  fails {finding.rate}",
        ]
    elif result.answer is Answer.NOT_REPRODUCED:
        lines.append(f"  {result.tried} single changes of timing tried, none fails")
    lines.append(f"  unperturbed: fails {result.control}")
    return lines + [f"  note: {reason}" for reason in result.reasons]


def _edge(value_ns: int | None) -> str:
    return "?" if value_ns is None else f"{value_ns / 1e6:.1f}"
