"""The timers of a program, as the record of a run has them: where one ends, things change.

Only of a program in this process can they be known.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import NamedTuple

from capture.format.model import Capture, Note

NOTED = "the program's timers: "
NS_PER_MS = 1_000_000
# More are the same few again and again.
MOST_NOTED = 2_000


class Timer(NamedTuple):
    """When a timer ends that was set at a place in the program, in ns since the run began."""

    ends_ns: int
    site: str


def timers_note(timers: Iterable[Timer]) -> str:
    """Return what to note of them; nothing when there are none."""
    by_site: dict[str, list[float]] = {}
    for timer in sorted(timers)[:MOST_NOTED]:
        by_site.setdefault(timer.site, []).append(round(timer.ends_ns / NS_PER_MS, 3))
    return f"{NOTED}{json.dumps(by_site)}" if by_site else ""


def timers_of(run: Capture) -> tuple[Timer, ...]:
    """Return the timers that a run notes, the first first."""
    notes = (event.text for event in run.events if isinstance(event, Note))
    told = next((text for text in notes if text.startswith(NOTED)), f"{NOTED}{{}}")
    by_site = json.loads(told.removeprefix(NOTED))
    return tuple(
        sorted(
            Timer(round(ends_ms * NS_PER_MS), site)
            for site, all_ms in by_site.items()
            for ends_ms in all_ms
        )
    )
