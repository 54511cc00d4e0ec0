"""A recording as a run would show it, so that the two can be compared."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from capture.format.model import (
    Capture,
    Direction,
    Event,
    Frame,
    Side,
    TcpClose,
    UpgradeRequest,
)
from capture.messages import messages
from capture.redaction import PLACEHOLDER

_PLACEHOLDER_START = "{{deadheat:"


def as_run(recorded: Capture) -> Capture:
    """Return a recording with the numbers of its steps, which only runs have."""
    steps = {
        id(event): step
        for name in recorded.connection_ids()
        for event, step in _steps(recorded.of_connection(name))
    }
    return msgspec.structs.replace(
        recorded,
        events=tuple(
            msgspec.structs.replace(event, step=steps[id(event)]) if id(event) in steps else event
            for event in recorded.events
        ),
    )


def without_secret_numbers(run: Capture) -> Capture:
    """Return a capture whose placeholders say what they are, and not which: that may vary.

    A run numbers the secrets that the server issues after those of its plan.
    """
    return msgspec.structs.replace(run, events=tuple(map(_without_numbers, run.events)))


def _steps(events: tuple[Event, ...]) -> Iterator[tuple[Event, int]]:
    """Yield the events of one connection that are steps of the client, as a plan counts them."""
    request = next((event for event in events if isinstance(event, UpgradeRequest)), None)
    if request is None:
        return
    yield request, 0
    count = 0
    for message in messages(events):
        if message.direction is Direction.CLIENT_TO_SERVER:
            count = message.index
            yield message.frames[0], count
    ending = next((event for event in events if _is_goodbye(event)), None)
    if ending is not None:
        yield ending, count + 1


def _is_goodbye(event: Event) -> bool:
    if isinstance(event, Frame):
        return event.opcode == "close" and event.direction is Direction.CLIENT_TO_SERVER
    return isinstance(event, TcpClose) and event.side is Side.CLIENT


def _without_numbers(event: Event) -> Event:
    if not isinstance(event, Frame) or event.text is None or _PLACEHOLDER_START not in event.text:
        return event
    text = PLACEHOLDER.sub(lambda match: f"{{{{deadheat:{match['kind']}}}}}", event.text)
    return msgspec.structs.replace(event, text=text)
