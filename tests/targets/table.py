"""The measured table in Markdown: a line for each target and build, over all seeds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tests.targets.outcome import Outcome
from tests.targets.target import BUILDS, RACY, Target

HEAD = (
    "| target | build | as it should be | runs | seconds | known window | found window | "
    "edges off by | fails there | what was found |"
)


def table(targets: Sequence[Target], outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the lines of the table."""
    yield HEAD
    yield "|" + "---|" * HEAD.count(" |")
    for target in targets:
        for build in BUILDS:
            own = [each for each in outcomes if (each.target, each.build) == (target.name, build)]
            if own:
                yield "| " + " | ".join(_cells(target, build, own)) + " |"
    yield ""
    yield summary(outcomes)


def summary(outcomes: Sequence[Outcome]) -> str:
    """Return how often runs failed at the reported points, and unperturbed ones."""
    found = [each for each in outcomes if each.build == RACY]
    failures, runs = sum(each.failures for each in found), sum(each.rate_runs for each in found)
    failed, controls = (
        sum(each.control_failures for each in outcomes),
        sum(each.controls for each in outcomes),
    )
    share = f" ({100 * failures / runs:.1f} %)" if runs else ""
    return (
        f"At the reported points {failures:,} of {runs:,} runs failed{share}; "
        f"unperturbed {failed:,} of {controls:,}."
    )


def _cells(target: Target, build: str, own: Sequence[Outcome]) -> Iterator[str]:
    right = sum(each.is_right for each in own)
    yield f"{target.name} ({target.make})"
    yield build
    yield f"{'found' if build == RACY else 'not accused'} in {right} of {len(own)}"
    yield _span([each.runs for each in own])
    yield _span([each.took_s for each in own])
    edges = [each.edges for each in own if each.edges is not None]
    if build == RACY:
        known = dict.fromkeys((e.known_low_ms, e.known_high_ms) for e in edges)
        at = target.windows[0]
        known = known or {(at.low_ms, at.high_ms): None}
        yield "; ".join(f"{low:g} to {_known(high)} ms" for low, high in known)
    else:
        yield "none"
    yield "; ".join(f"{_ms(e.found_low_ms)} to {_ms(e.found_high_ms)} ms" for e in edges) or "none"
    yield (
        "; ".join(
            f"{_percent(e.low_error_percent)}, {_percent(e.high_error_percent)}" for e in edges
        )
        or "none"
    )
    yield "; ".join(f"{e.failures} of {e.rate_runs}" for e in own if e.rate_runs) or "none"
    yield "; ".join(dict.fromkeys(map(_found, own)))


def _found(outcome: Outcome) -> str:
    if not outcome.told:
        return outcome.verdict if outcome.verdict != "not reproduced" else "nothing"
    return f"{outcome.symptom[:100]} ({outcome.told})".replace("|", "/")


def _known(edge_ms: float | None) -> str:
    return "any" if edge_ms is None else f"{edge_ms:g}"


def _span(values: Sequence[float]) -> str:
    low, high = min(values), max(values)
    return f"{low:.0f}" if round(low) == round(high) else f"{low:.0f} to {high:.0f}"


def _ms(value_ms: float | None) -> str:
    return "?" if value_ms is None else f"{value_ms:.1f}"


def _percent(value: float | None) -> str:
    return "?" if value is None else f"{value:.0f} %"
