"""Whether two runs with one plan and one seed were the same, and where they first differ."""

from __future__ import annotations

from itertools import zip_longest

import msgspec

from capture.format.model import Capture, Event

LONGEST_SHOWN = 120


def first_difference(first: Capture, again: Capture) -> str | None:
    """Return, for people, the first event that differs in time or content; None when none does."""
    for one, other in zip_longest(first.events, again.events):
        if one != other:
            return f"{_shown(one)} in one run was {_shown(other)} in the other"
    return None


def _shown(event: Event | None) -> str:
    if event is None:
        return "the end"
    text = msgspec.json.encode(event).decode()
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
