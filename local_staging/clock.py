"""The time of day, for tokens and events, and the clock of the machine, for what came when.

How long to wait is left to the event loop's own clock.

This is the only module of the stand-in that reads a clock.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def unix_time_s() -> int:
    """Return whole seconds since the Unix epoch."""
    # The stand-in shares no code with the tool, so it cannot take the clock of `capture`.
    return int(time.time())  # noqa: TID251 - this module is the clock


def unix_time_us() -> int:
    """Return whole microseconds since the Unix epoch."""
    return time.time_ns() // 1_000


def monotonic_ns() -> int:
    """Return nanoseconds on a clock that never goes back."""
    return time.monotonic_ns()  # noqa: TID251 - this module is the clock


def utc_text(unix_s: float | None = None) -> str:
    """Return a time of day (by default the present) as ISO 8601 in UTC with milliseconds."""
    if unix_s is None:
        unix_s = time.time()  # noqa: TID251 - this module is the clock
    moment = datetime.fromtimestamp(unix_s, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
