"""How much a replay may ask of a server that others use too: connections at once, sends a second.

A plan that asks for more is refused before anything is sent; a run that comes to more, as when
answers come faster than recorded, ends there. Slowed down it would be another timing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from replay.errors import ReplayError, TooMuch
from replay.plan import Plan, Step

SECOND_NS = 1_000_000_000
# For servers that are not this machine, unless said otherwise.
SHARED_CONNECTIONS = 50
SHARED_SENDS_PER_S = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """None is without limit. Raises ReplayError."""

    connections: int | None = None
    sends_per_s: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("connections", self.connections), ("sends", self.sends_per_s)):
            if value is not None and value < 1:
                raise ReplayError(f"the limit of {name} is {value}, expected 1 or more")

    def check(self, plan: Plan) -> None:
        """Raise TooMuch when the plan, as recorded, asks for more than this."""
        guard = Guard(self)
        for at_ns, is_end, step in sorted(
            ((_at_ns(step), step is plan.of(step.connection)[-1], step) for step in plan.steps()),
            key=lambda each: each[:2],
        ):
            if step.index == 0:
                guard.opened(step.connection)
            if is_end:
                guard.closed(step.connection)
            guard.sent(at_ns)


@dataclass(slots=True)
class Guard:
    """Counts what is done, and raises TooMuch when it is more than the limits."""

    limits: Limits
    _open: set[str] = field(default_factory=set)
    _sends_ns: deque[int] = field(default_factory=deque)

    def opened(self, connection: str) -> None:
        """Count a connection."""
        self._open.add(connection)
        most = self.limits.connections
        if most is not None and len(self._open) > most:
            raise TooMuch(
                f"the plan opens {len(self._open)} connections at once, the limit is {most}: "
                "--max-connections N allows more, if the server may bear it"
            )

    def closed(self, connection: str) -> None:
        """Count a connection no longer."""
        self._open.discard(connection)

    def sent(self, at_ns: int) -> None:
        """Count a send."""
        most = self.limits.sends_per_s
        if most is None:
            return
        self._sends_ns.append(at_ns)
        while self._sends_ns[0] <= at_ns - SECOND_NS:
            self._sends_ns.popleft()
        if len(self._sends_ns) > most:
            raise TooMuch(
                f"the plan sends {len(self._sends_ns)} times within a second, the limit is {most}: "
                "--max-rate N allows more, if the server may bear it"
            )


def limits_from(
    configured: Mapping[str, Any],
    *,
    is_shared: bool,
    connections: int | None = None,
    sends_per_s: int | None = None,
) -> Limits:
    """Return the limits: as given, else as configured, else careful where others are. Raises."""
    careful = (SHARED_CONNECTIONS, SHARED_SENDS_PER_S) if is_shared else (None, None)
    names = ("max_connections", "max_sends_per_s")
    chosen = []
    for given, name, usual in zip((connections, sends_per_s), names, careful, strict=True):
        value = configured.get(name, usual) if given is None else given
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            raise ReplayError(f"deadheat.toml: {name} is {value!r}, expected a whole number")
        chosen.append(value)
    return Limits(*chosen)


def _at_ns(step: Step) -> int:
    return step.recorded_at_ns + step.late_ns
