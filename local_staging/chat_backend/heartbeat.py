"""How often a connection is asked whether it lives, and when it is taken for dead.

The numbers have to fit those of whatever lies between: a heartbeat that is rarer than an idle
timeout keeps nothing alive, and one that allows less than a slow network needs kills the living.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Infrastructure:
    """What lies between client and server, in seconds; None where it has no such limit."""

    idle_timeout_s: float | None
    slowest_round_trip_s: float
    request_timeout_s: float | None = None


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A ping each `interval_s`, and `timeout_s` for its answer."""

    interval_s: float
    timeout_s: float

    @property
    def declared_dead_after_s(self) -> float:
        """The longest that a dead connection is taken for a living one."""
        return self.interval_s + self.timeout_s

    def misfits(self, infrastructure: Infrastructure) -> Iterator[str]:
        """Yield what does not fit."""
        idle_s = infrastructure.idle_timeout_s
        if idle_s is not None and self.interval_s + infrastructure.slowest_round_trip_s >= idle_s:
            yield (
                f"a ping each {self.interval_s:g} s comes too late for an idle timeout of "
                f"{idle_s:g} s"
            )
        if idle_s is not None and self.declared_dead_after_s >= idle_s:
            yield (
                f"a dead connection is noticed after {self.declared_dead_after_s:g} s, and the "
                f"idle timeout of {idle_s:g} s has cut it by then"
            )
        if self.timeout_s <= infrastructure.slowest_round_trip_s:
            yield (
                f"{self.timeout_s:g} s for an answer is less than a round trip may take, "
                f"{infrastructure.slowest_round_trip_s:g} s: living connections would be cut"
            )


def answer_timeout_s(slowest_round_trip_s: float, busy_s: float, spare: float = 2.0) -> float:
    """Return how long to wait for an answer: `spare` times what it may rightly take."""
    return spare * (slowest_round_trip_s + busy_s)


class HeartbeatMonitor:
    """Says whether a connection is alive; times are seconds on any one clock."""

    def __init__(self, heartbeat: Heartbeat, now_s: float) -> None:
        self._heartbeat = heartbeat
        self._heard_s = now_s
        self._asked_s: float | None = None

    def ping_due_s(self) -> float:
        """Return when to ask next."""
        since_s = self._heard_s if self._asked_s is None else self._asked_s
        return since_s + self._heartbeat.interval_s

    def asked(self, now_s: float) -> None:
        """Take note of a ping, unless one is unanswered: that one counts."""
        if self._asked_s is None:
            self._asked_s = now_s

    def heard(self, now_s: float) -> None:
        """Take note that the other side said something, whatever it was."""
        self._heard_s = now_s
        self._asked_s = None

    def is_dead(self, now_s: float) -> bool:
        """Whether a ping was not answered in time."""
        return self._asked_s is not None and now_s - self._asked_s > self._heartbeat.timeout_s
