"""What a target is: a server with two builds, the session recorded on it, and what is known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

RACY, HEALTHY = "racy", "healthy"
BUILDS = (RACY, HEALTHY)

Session = Callable[[str], Awaitable[None]]
"""Plays the healthy session at a URL without a path, such as `ws://127.0.0.1:8000`."""


@dataclass(frozen=True, slots=True)
class KnownWindow:
    """Where a race shows: so long after an event, from `low_ms` to `high_ms`.

    `high_ms` is None where it does not end. One race has several, when it comes again and again,
    or when it can be told from several events.
    With `perturbation` it holds for that edit alone.
    """

    connection: str
    step: int
    after: str
    low_ms: float
    high_ms: float | None
    perturbation: str = "gap"


@dataclass(frozen=True, slots=True)
class Target:
    """A server of `tests/targets/servers`; `make` is what it is built with.

    `needs` are the modules, of Python or of Node, without which it does not start.
    """

    name: str
    make: str
    protocol: str
    race: str
    server: str
    needs: tuple[str, ...]
    session: Session
    windows: tuple[KnownWindow, ...]
    symptoms: frozenset[str]
    has_log: bool = False

    @property
    def is_node(self) -> bool:
        """Whether the server is a program for Node."""
        return self.server.endswith(".js")
