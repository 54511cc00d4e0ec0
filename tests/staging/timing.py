"""How long something took, held to a window."""

from __future__ import annotations

from dataclasses import dataclass
from types import TracebackType

from local_staging.clock import monotonic_ns


@dataclass(slots=True)
class TimeWindow:
    """Fails when its body took less or more; both in milliseconds.

    Upper bounds are the product's limits, not this machine's speed: a busy machine is slow.
    """

    what: str
    at_least_ms: float = 0.0
    at_most_ms: float = float("inf")
    took_ms: float = 0.0
    _began_ns: int = 0

    def __enter__(self) -> TimeWindow:
        self._began_ns = monotonic_ns()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.took_ms = (monotonic_ns() - self._began_ns) / 1e6
        if error is None:
            assert self.at_least_ms <= self.took_ms <= self.at_most_ms, (
                f"{self.what} took {self.took_ms:.1f} ms, expected "
                f"{self.at_least_ms:g} to {self.at_most_ms:g} ms"
            )
