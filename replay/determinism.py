"""Whether two runs with one plan and one seed were the same, and where they first differ."""

from __future__ import annotations

from itertools import zip_longest

import msgspec

from capture.format.model import Capture, Event

LONGEST_SHOWN, SHOWN_BEFORE = 120, 60


def first_difference(first: Capture, again: Capture) -> str | None:
    """Return, for people, the first event that differs in time or content; None when none does."""
    for one, other in zip_longest(first.events, again.events):
        if one != other:
            texts = (_text(one), _text(other))
            # What both begin with says nothing, but for a little of it.
            pairs = enumerate(zip(*texts, strict=False))
            differ_at = next((place for place, (a, b) in pairs if a != b), 0)
            begin = max(0, differ_at - SHOWN_BEFORE)
            shown, again_shown = (_cut(text, begin) for text in texts)
            return f"{shown} in one run was {again_shown} in the other"
    return None


def _text(event: Event | None) -> str:
    return "the end" if event is None else msgspec.json.encode(event).decode()


def _cut(text: str, begin: int) -> str:
    rest = text[begin:]
    before, after = "…" if begin else "", "…" if len(rest) > LONGEST_SHOWN else ""
    return f"{before}{rest[:LONGEST_SHOWN]}{after}"
