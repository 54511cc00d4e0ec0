"""How long something took, held to a window."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType

from local_staging.clock import monotonic_ns

TRIES = 12


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


async def shortest_ms(measured_ms: Callable[[], Awaitable[float]], limit_ms: float) -> float:
    """Return the first of a few measurements below a limit, or the shortest of them.

    A busy machine is slow, and not each time: what the product takes is what it takes at best.
    """
    shortest = float("inf")
    for _ in range(TRIES):
        shortest = min(shortest, await measured_ms())
        if shortest < limit_ms:
            break
    return shortest
