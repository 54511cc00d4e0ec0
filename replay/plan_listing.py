"""A plan as a person reads it: what each step waits for and why, which values are the server's."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from replay.causality import NS_PER_MS
from replay.correlation import Link, Sink, Source
from replay.plan import START, Plan, Step

SHOWN = 60


def listing(plan: Plan) -> Iterator[str]:
    """Yield the lines of a plan."""
    for step in plan.steps():
        yield f"{step.name}: {_when(step)}"
        for event in step.needs:
            because = ", ".join(
                f"{sink.place}{_shown(sink)}"
                for source, sink in _into(plan, step)
                if source.needed == event
            )
            yield f"    needs {event}" + (f" for {because}" if because else "")
    links = plan.correlation.links
    if links:
        values = "1 value is" if len(links) == 1 else f"{len(links)} values are"
        yield f"{values} the server's, and replaced by the live one:"
    for link in links:
        yield from _link(link)


def listing_json(plan: Plan) -> dict[str, Any]:
    """Return the same as plain JSON: the steps, and the links as they stand in a plan file."""
    return {
        "steps": [
            {
                "connection": step.connection,
                "step": step.index,
                "name": step.name,
                "after": str(step.after),
                "gap_ms": step.gap_ns / NS_PER_MS,
                "needs": [str(event) for event in step.needs],
                "values": [
                    {"part": sink.part, "place": sink.place, "from": str(source)}
                    for source, sink in _into(plan, step)
                ],
            }
            for step in plan.steps()
        ],
        "correlation": plan.correlation.to_json(),
    }


def _when(step: Step) -> str:
    gap = f"{step.gap_ns / NS_PER_MS:.1f} ms after"
    return f"{gap} the start" if step.after == START else f"{gap} {step.after}"


def _into(plan: Plan, step: Step) -> list[tuple[Source, Sink]]:
    key = (step.connection, step.index)
    return [each for each in plan.correlation if (each[1].connection, each[1].step) == key]


def _link(link: Link) -> Iterator[str]:
    yield f"  {link.source}"
    for sink in link.sinks:
        yield f"    -> {sink}{_shown(sink)}"


def _shown(sink: Sink) -> str:
    text = "".join(char if char.isprintable() else " " for char in sink.recorded)
    cut = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
    return f" ({cut})" if cut else ""
