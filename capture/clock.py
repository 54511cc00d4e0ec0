"""The only module that reads a clock. Everything else takes a clock as an argument."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from datetime import UTC, datetime

NowNs = Callable[[], int]
"""A monotonic clock: integer nanoseconds from an arbitrary origin."""

monotonic_ns: NowNs = time.monotonic_ns

# asyncio wakes 0.6 ms late (median) and 1.2 ms late (p99) on Linux, so the last stretch is spun.
SPIN_NS = 2_000_000


def wall_time() -> str:
    """Return the time of day in UTC, ISO 8601 with microseconds; read once per capture."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def unix_time_s() -> int:
    """Return seconds since the Unix epoch; tokens need it, timing never does."""
    return int(time.time())


async def sleep_until(at_ns: int, now_ns: NowNs = monotonic_ns) -> None:
    """Return at `at_ns`, never before it; other tasks run meanwhile."""
    coarse_ns = at_ns - now_ns() - SPIN_NS
    if coarse_ns > 0:
        await asyncio.sleep(coarse_ns / 1e9)
    while now_ns() < at_ns:
        await asyncio.sleep(0)
