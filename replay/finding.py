"""What a hunt found, as data: the answer, its proof, and where the records are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from replay.oracles.verdict import Symptom
from replay.perturbations import Gap, Perturbation
from replay.perturbations.words import in_words
from replay.search.exhausted import Exhausted
from replay.statistics import Rate, rate


class Answer(StrEnum):
    """What a hunt says in the end."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True, slots=True)
class FailingWindow:
    """Where the gap between a step and the event `after` makes the failure; None: not found.

    `recorded_ns` is the gap that the recording has there.
    """

    connection: str
    step: int
    after: str
    low_ns: int | None
    high_ns: int | None
    recorded_ns: int | None

    def to_json(self) -> dict[str, Any]:
        """Return the fields, in milliseconds."""
        return {
            "connection": self.connection,
            "step": self.step,
            "after": self.after,
            "low_ms": _ms(self.low_ns),
            "high_ms": _ms(self.high_ns),
            "recorded_ms": _ms(self.recorded_ns),
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
            "symptom": {"kind": self.symptom.kind, "detail": self.symptom.detail}
            | ({"check": self.symptom.check} if self.symptom.check else {}),
        }


@dataclass(frozen=True, slots=True)
class HuntResult:
    """The outcome of a hunt. `reasons` say why it ended so; `tried` counts changes swept, `kinds`
    those of each kind, and of what is `exhausted` all were.
    """

    answer: Answer
    runs: int
    control: Rate
    findings: tuple[Finding, ...] = ()
    reasons: Sequence[str] = ()
    tried: int = 0
    left: int = 0
    kinds: Mapping[str, int] = field(default_factory=dict)
    exhausted: tuple[Exhausted, ...] = ()

    @property
    def finding(self) -> Finding | None:
        """The first finding."""
        return self.findings[0] if self.findings else None

    @classmethod
    def under_way(cls) -> HuntResult:
        """Return what is known before the first run."""
        return cls(Answer.INCONCLUSIVE, 0, rate(0, 0), reasons=("the hunt has not ended",))

    def to_json(self) -> dict[str, Any]:
        """Return the line that `hunt --json` ends with."""
        return {
            "verdict": self.answer,
            "runs": self.runs,
            "control": self.control.to_json(),
            "finding": None if self.finding is None else self.finding.to_json(),
            "findings": [finding.to_json() for finding in self.findings],
            "reasons": list(self.reasons),
            "swept": {
                "tried": self.tried,
                "left": self.left,
                "kinds": dict(self.kinds),
                "exhausted": [each.to_json() for each in self.exhausted],
            },
        }


def _ms(value_ns: int | None) -> float | None:
    return None if value_ns is None else round(value_ns / 1e6, 3)


def headline(result: HuntResult) -> str:
    """Return the outcome of a hunt in one line."""
    if result.finding is None:
        return f"{result.answer} in {result.runs} runs, unperturbed {result.control}"
    finding = result.finding
    return (
        f"{finding.symptom.detail} | {_when(finding)} | "
        f"fails {finding.rate}, unperturbed {result.control}"
    )


def sentences(result: HuntResult) -> list[str]:
    """Return the outcome of a hunt as a person reads it."""
    lines = [f"{result.answer} in {result.runs} runs"]
    for number, finding in enumerate(result.findings, 1):
        numbered = f"{number}. " if len(result.findings) > 1 else ""
        lines += [
            f"  {numbered}{finding.symptom.kind}: {finding.symptom.detail}",
            f"  {_when(finding)}",
            f"  fails in {finding.rate}",
        ]
    if result.tried and not result.findings:
        lines.append(f"  {result.tried} changes of timing tried, {result.left} were left")
    if result.kinds:
        lines.append(f"  tried: {', '.join(f'{n} {kind}' for kind, n in result.kinds.items())}")
    lines += [f"  all of: {each}" for each in result.exhausted]
    if result.control.runs:
        lines.append(f"  unperturbed it fails in {result.control}")
    return lines + [f"  note: {reason}" for reason in result.reasons]


def _when(finding: Finding) -> str:
    window = finding.window
    place = (window.connection, window.step, window.after)
    told = next(
        (edit for edit in finding.edits if (edit.connection, edit.step, edit.anchor) == place),
        finding.edits[0],
    )
    others = "; ".join(in_words(edit) for edit in finding.edits if edit is not told)
    has_edges = window.low_ns is not None or window.high_ns is not None
    low, high = (_edge(value) for value in (window.low_ns, window.high_ns))
    if not isinstance(told, Gap):
        words = f"with {in_words(told)}"
        if has_edges:
            words += f": fails with {told.varied.removesuffix('_ns')} from {low} to {high} ms"
    else:
        recorded_ns = window.recorded_ns
        recorded = "" if recorded_ns is None else f" (recorded: {recorded_ns / 1e6:.1f} ms)"
        how = (
            f"comes {low} to {high} ms after" if has_edges else "is moved closer to or further from"
        )
        words = f"when {window.connection} step {window.step} {how} {window.after}{recorded}"
    return f"{words}, and {others}" if others else words


def _edge(value_ns: int | None) -> str:
    return "?" if value_ns is None else f"{value_ns / 1e6:.1f}"
