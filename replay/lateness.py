"""How late the sends of a run were, from the record of the run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from capture.format.model import Capture, Frame, UpgradeRequest


@dataclass(frozen=True, slots=True)
class Lateness:
    """Actual minus planned send time over the sends of a run, in nanoseconds."""

    sends: int
    median_ns: int
    p99_ns: int
    worst_ns: int

    def to_json(self) -> dict[str, Any]:
        """Return the figures by name."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.sends} sends late by {self.median_ns / 1e3:.0f} µs (median), "
            f"{self.p99_ns / 1e3:.0f} µs (p99), {self.worst_ns / 1e3:.0f} µs (worst)"
        )


def send_lateness_ns(run: Capture) -> list[int]:
    """Return how late each planned send was, in order of time."""
    return [
        event.at_ns - event.planned_at_ns
        for event in run.events
        if isinstance(event, Frame | UpgradeRequest) and event.planned_at_ns is not None
    ]


def lateness(run: Capture) -> Lateness | None:
    """Return the lateness of a run, or None when it sent nothing."""
    return summary_of(send_lateness_ns(run))


def summary_of(late_ns: Sequence[int]) -> Lateness | None:
    """Return the figures of a list of latenesses."""
    if not late_ns:
        return None
    ordered = sorted(late_ns)
    last = len(ordered) - 1
    return Lateness(
        sends=len(ordered),
        median_ns=ordered[last // 2],
        p99_ns=ordered[-(-last * 99 // 100)],
        worst_ns=ordered[-1],
    )
