"""What one measurement gives."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(slots=True)
class Sample:
    """One proxy under one load for one round; `messages` counts echoes within `seconds`."""

    messages: int = 0
    seconds: float = 0.0
    sent: int = 0
    latencies_ns: list[int] = field(default_factory=list)
    cpu_us_per_message: float | None = None
    recorded: int | None = None
    lag_ms: float | None = None

    @property
    def per_s(self) -> float:
        """Messages echoed a second."""
        return self.messages / self.seconds

    def percentile_us(self, percent: float) -> float:
        """Return a percentile of the round trips; all took longer where none came back."""
        if not self.latencies_ns:
            return self.seconds * 1e6
        ordered = sorted(self.latencies_ns)
        return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] / 1e3
