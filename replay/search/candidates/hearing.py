"""Clients that hear late or not at all: slow readers, and pings that are answered late."""

from __future__ import annotations

from collections.abc import Iterator

from replay.perturbations import SlowReader, StalledPong
from replay.plan import After, Kind, Plan
from replay.search.candidates.ranked import FINE, FINER, ROUGH, Ranked

UNREAD_MS = {ROUGH: (1_000,), FINE: (200,), FINER: (3_000,)}
PONGS_MS = {ROUGH: (100,), FINE: (1_000,), FINER: (3_000,)}


def _told_to_others(plan: Plan, connection: str) -> list[After]:
    """Return the messages on a connection that steps of others wait for."""
    waited_for = (
        event
        for step in plan.steps()
        if step.connection != connection
        for event in (step.after, *step.needs)
    )
    return [
        event
        for event in dict.fromkeys(waited_for)
        if event.kind is Kind.MESSAGE and event.connection == connection
    ]


def hearing(plan: Plan) -> Iterator[Ranked]:
    """Yield readers that stop for a while, to the end, or read slowly; and late pongs."""
    for name, steps in plan.connections.items():
        for number, whiles_ms in UNREAD_MS.items():
            for while_ms in whiles_ms:
                yield number, SlowReader(name, round(while_ms * 1e6))
                # Once others know what they wait for from it, so that they go on meanwhile.
                for event in _told_to_others(plan, name):
                    yield number, SlowReader(name, round(while_ms * 1e6), event)
                for step in steps[2:]:
                    before = steps[step.index - 1]
                    yield (
                        max(number, FINE),
                        SlowReader(name, round(while_ms * 1e6), before.as_event),
                    )
        yield ROUGH, SlowReader(name)
        for number, by_ms in PONGS_MS.items():
            for each_ms in by_ms:
                yield number, StalledPong(name, round(each_ms * 1e6))
        yield FINE, StalledPong(name)
