"""What came of one hunt, beside what is known. Pure: from the hunt's own answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.targets.target import HEALTHY, RACY, KnownWindow, Target

EDGE_TOLERANCE_PERCENT = 20.0


@dataclass(frozen=True, slots=True)
class Edges:
    """A found window beside the known one; the errors are None where an edge was not found."""

    found_low_ms: float | None
    found_high_ms: float | None
    known_low_ms: float
    known_high_ms: float | None
    low_error_percent: float | None
    high_error_percent: float | None

    @property
    def are_right(self) -> bool:
        """Whether both edges are near enough."""
        errors = (self.low_error_percent, self.high_error_percent)
        return all(error is not None and error <= EDGE_TOLERANCE_PERCENT for error in errors)


@dataclass(frozen=True, slots=True)
class Outcome:
    """One hunt. `edges` are None where nothing was found, or not where the race is known to be.

    `failures` of `rate_runs` runs failed at the reported point.
    """

    target: str
    build: str
    seed: int
    budget: int
    verdict: str
    runs: int
    took_s: float
    edges: Edges | None
    told: str
    symptom: str
    failures: int
    rate_runs: int
    control_failures: int
    controls: int
    reasons: tuple[str, ...]
    is_right: bool


def error_percent(found_ms: float | None, known_ms: float | None, width_ms: float) -> float | None:
    """Return how far off an edge is: in percent of it, or of the window where it lies at 0.

    Where there is no edge to be found, to find none is right.
    """
    if known_ms is None:
        return 0 if found_ms is None else None
    if found_ms is None:
        return None
    return 100 * abs(found_ms - known_ms) / (known_ms if known_ms > 0 else width_ms)


def edges_of(finding: dict[str, Any], known: Sequence[KnownWindow]) -> Edges | None:
    """Return the found edges beside the nearest known window that is told in the same terms."""
    window, name = finding["window"], finding["edits"][0]["perturbation"]
    place = (window["connection"], window["step"], window["after"], name)
    compared = [
        _compared(window["low_ms"], window["high_ms"], each)
        for each in known
        if (each.connection, each.step, each.after, each.perturbation) == place
    ]
    return min(compared, key=_worst, default=None)


def _compared(low_ms: float | None, high_ms: float | None, known: KnownWindow) -> Edges:
    width_ms = 0 if known.high_ms is None else known.high_ms - known.low_ms
    return Edges(
        low_ms,
        high_ms,
        known.low_ms,
        known.high_ms,
        error_percent(low_ms, known.low_ms, width_ms),
        error_percent(high_ms, known.high_ms, width_ms),
    )


def _worst(edges: Edges) -> float:
    errors = (edges.low_error_percent, edges.high_error_percent)
    return max(float("inf") if error is None else error for error in errors)


def outcome_of(
    target: Target, build: str, asked: tuple[int, int], answer: dict[str, Any], took_s: float
) -> Outcome:
    """Return what an answer of `deadheat hunt --json` comes to; `asked` are seed and budget."""
    finding = answer["finding"]
    is_told = finding is not None and build == RACY
    edges = edges_of(finding, target.windows) if is_told else None
    rate = {"failures": 0, "runs": 0} if finding is None else finding["rate"]
    kind = "" if finding is None else finding["symptom"]["kind"]
    is_right = {
        RACY: edges is not None and edges.are_right and kind in target.symptoms,
        HEALTHY: answer["verdict"] == "not reproduced",
    }[build]
    return Outcome(
        target=target.name,
        build=build,
        seed=asked[0],
        budget=asked[1],
        verdict=answer["verdict"],
        runs=answer["runs"],
        took_s=round(took_s, 1),
        edges=edges,
        told="" if finding is None else _told(finding),
        symptom="" if finding is None else f"{kind}: {finding['symptom']['detail']}",
        failures=rate["failures"],
        rate_runs=rate["runs"],
        control_failures=answer["control"]["failures"],
        controls=answer["control"]["runs"],
        reasons=tuple(answer.get("reasons", ())),
        is_right=is_right,
    )


def _told(finding: dict[str, Any]) -> str:
    """Return the change that a finding names, in a few words."""
    window = finding["window"]
    names = " + ".join(edit["perturbation"] for edit in finding["edits"])
    return (
        f"{names} of {window['connection']} step {window['step']} after {window['after']}, "
        f"{_ms(window['low_ms'])} to {_ms(window['high_ms'])} ms"
    )


def _ms(value_ms: float | None) -> str:
    return "?" if value_ms is None else f"{value_ms:.1f}"
