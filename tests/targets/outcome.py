"""What came of a hunt on a target, held against the window that is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from replay.plan import After, Plan
from tests.targets.catalogue import ALL, Target

BUILDS = ("racy", "healthy")
EDGE_ERROR = 0.2
# What a message takes, which no client can tell from the server's own time.
UNSEEN_MS = 6.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """One hunt. The windows are in milliseconds after the event that the hunt named."""

    target: str
    make: str
    build: str
    seed: int
    verdict: str
    found: tuple[str, ...]
    known_ms: tuple[float, float] | None
    found_ms: tuple[float | None, float | None] | None
    runs: int
    took_s: float

    @property
    def is_right(self) -> bool:
        """Whether the race was found with its window, or a healthy build was not accused."""
        if self.build == "healthy":
            return self.verdict == "not reproduced"
        if self.known_ms is None or self.found_ms is None:
            return False
        return all(
            found is not None and abs(found - known) <= max(EDGE_ERROR * known, UNSEEN_MS)
            for found, known in zip(self.found_ms, self.known_ms, strict=True)
        )


def outcome_of(
    target: Target, build: str, seed: int, plan: Plan, answer: Mapping[str, Any], took_s: float
) -> Outcome:
    """Return what an answer comes to: the finding at the known step, if there is one."""
    finding = next((each for each in answer["findings"] if _is_of(target, each)), None)
    window = None if finding is None else finding["window"]
    return Outcome(
        target=target.name,
        make=target.make,
        build=build,
        seed=seed,
        verdict=answer["verdict"],
        found=tuple(
            " + ".join(edit["perturbation"] for edit in each["edits"])
            + f": {each['symptom']['detail']}"[:100]
            for each in answer["findings"]
        ),
        known_ms=None if window is None else _known_ms(target, plan, window["after"]),
        found_ms=None if window is None else (window["low_ms"], window["high_ms"]),
        runs=answer["runs"],
        took_s=took_s,
    )


def _is_of(target: Target, finding: Mapping[str, Any]) -> bool:
    window = finding["window"]
    kinds = {edit["perturbation"] for edit in finding["edits"]}
    at_place = (window["connection"], window["step"]) == (target.connection, target.step)
    return at_place and kinds == {target.edit}


def _known_ms(target: Target, plan: Plan, after: str) -> tuple[float, float]:
    """Return the known window as counted from another event."""
    came = plan.recorded_ns
    by_ms = (came[After.parse(after)] - came[After.parse(target.after)]) / 1e6
    return max(0.0, target.low_ms - by_ms), max(0.0, target.high_ms - by_ms)


def table(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the table in Markdown, a line for each target and build."""
    yield "| target | made with | build | as it should be | known, ms | found, ms | runs | s |"
    yield "|---|---|---|---|---|---|---|---|"
    for target in ALL:
        for build in BUILDS:
            own = [o for o in outcomes if (o.target, o.build) == (target.name, build)]
            if not own:
                continue
            right = sum(outcome.is_right for outcome in own)
            should = "found" if build == "racy" else "not accused"
            runs, seconds = [o.runs for o in own], [o.took_s for o in own]
            yield (
                f"| {target.name} | {target.make} | {build} | {should} in {right} of {len(own)} "
                f"| {_windows([o.known_ms for o in own])} | {_windows([o.found_ms for o in own])} "
                f"| {min(runs)} to {max(runs)} | {min(seconds):.0f} to {max(seconds):.0f} |"
            )


def _windows(windows: Sequence[tuple[float | None, float | None] | None]) -> str:
    known = [window for window in windows if window is not None]
    return "; ".join(f"{_edge(low)} to {_edge(high)}" for low, high in known)


def _edge(value_ms: float | None) -> str:
    return "?" if value_ms is None else f"{value_ms:.0f}"
