"""How much of a server a replay may take. What would exceed it is not sent: times never shift."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Annotated

import msgspec

from capture.format.model import Capture, Note
from replay.errors import LimitExceeded
from replay.plan import End, Open, Step

SECOND_NS = 1_000_000_000
MINUTE_NS = 60 * SECOND_NS
# Begins the note that a run ends with when it was stopped.
STOPPED = "stopped by a limit: "

AtLeastOne = Annotated[int, msgspec.Meta(ge=1)]


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Upper bounds; None is no bound.

    `max_connections` are open at the same time, `max_sends_per_s` are openings and messages within
    any second, `max_runs_per_minute` are runs begun within any minute.
    """

    max_connections: AtLeastOne | None = None
    max_sends_per_s: AtLeastOne | None = None
    max_runs_per_minute: AtLeastOne | None = None

    def or_else(self, other: Limits) -> Limits:
        """Return these limits, with those of `other` where these say nothing."""
        return Limits(
            **{
                name: getattr(other, name) if getattr(self, name) is None else getattr(self, name)
                for name in Limits.__struct_fields__
            }
        )

    def __str__(self) -> str:
        named = (
            (self.max_connections, "connections at a time"),
            (self.max_sends_per_s, "sends per second"),
            (self.max_runs_per_minute, "runs per minute"),
        )
        return ", ".join(f"{most} {what}" for most, what in named if most is not None) or "none"


UNLIMITED = Limits()
# For a server that others use too: more than a few people make, less than a load test.
CAREFUL = Limits(max_connections=20, max_sends_per_s=50, max_runs_per_minute=60)


@dataclass(slots=True)
class LimitGuard:
    """Counts what one run does, and refuses what exceeds the limits."""

    limits: Limits
    _open: set[str] = field(default_factory=set)
    _sent_ns: deque[int] = field(default_factory=deque)

    def take(self, step: Step, at_ns: int) -> None:
        """Count a step that is about to be taken. Raises LimitExceeded."""
        if isinstance(step.action, End):
            return
        most = self.limits.max_connections
        if isinstance(step.action, Open):
            if most is not None and len(self._open) >= most:
                raise LimitExceeded(
                    f"{step.name} at {_ms(at_ns)} would be connection {len(self._open) + 1} at a "
                    f"time, expected at most {most} (max_connections)"
                )
            self._open.add(step.connection)
        self._count_send(step, at_ns)

    def ended(self, connection: str) -> None:
        """Count a connection as closed."""
        self._open.discard(connection)

    def _count_send(self, step: Step, at_ns: int) -> None:
        most = self.limits.max_sends_per_s
        if most is None:
            return
        while self._sent_ns and self._sent_ns[0] <= at_ns - SECOND_NS:
            self._sent_ns.popleft()
        if len(self._sent_ns) >= most:
            raise LimitExceeded(
                f"{step.name} at {_ms(at_ns)} would be send {len(self._sent_ns) + 1} within a "
                f"second, expected at most {most} (max_sends_per_s)"
            )
        self._sent_ns.append(at_ns)


def check_steps(taken: Iterable[tuple[int, Step]], limits: Limits) -> None:
    """Raise LimitExceeded at the first of these steps, given in order, that exceeds the limits."""
    guard = LimitGuard(limits)
    for at_ns, step in taken:
        guard.take(step, at_ns)
        if isinstance(step.action, End):
            guard.ended(step.connection)


def stopped_by(run: Capture) -> str:
    """Return which limit ended a run, or nothing."""
    notes = (event.text for event in run.events if isinstance(event, Note))
    return next((text.removeprefix(STOPPED) for text in notes if text.startswith(STOPPED)), "")


@dataclass(slots=True)
class RunPacer:
    """Says how long the next run has to wait; the rest between runs is nobody's timing."""

    limits: Limits
    _begun_ns: deque[int] = field(default_factory=deque)

    def wait_ns(self, now_ns: int) -> int:
        """Return how long to wait before a run may begin."""
        most = self.limits.max_runs_per_minute
        if most is None or len(self._begun_ns) < most:
            return 0
        return max(0, self._begun_ns[-most] + MINUTE_NS - now_ns)

    def begin(self, now_ns: int) -> None:
        """Count a run."""
        self._begun_ns.append(now_ns)
        while len(self._begun_ns) > (self.limits.max_runs_per_minute or 0):
            self._begun_ns.popleft()


def _ms(at_ns: int) -> str:
    return f"{at_ns / 1e6:.1f} ms"
