"""The limits of what stands before a server, such as Cloud Run's edge, by the names of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from replay.errors import ReplayError

CUTS = ("fin", "rst")


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """Seconds, and how many requests there may be at a time; None is no limit.

    A request that finds the server full waits for `queue_s`. `cut` is how a connection ends that
    has its 101 already. docs/cloud_run_edge.md has the figures of Cloud Run.
    """

    request_timeout_s: float | None = None
    handshake_timeout_s: float | None = None
    idle_connection_s: float | None = None
    handshake_delay_s: float | None = None
    concurrency: int | None = None
    queue_s: float = 10.0
    cut: str = "fin"

    def __bool__(self) -> bool:
        return self != EdgeLimits()

    @classmethod
    def parse(cls, texts: Iterable[str]) -> EdgeLimits:
        """Read NAME=VALUE for each limit. Raises ReplayError."""
        given: dict[str, Any] = {}
        for text in texts:
            name, _, value = text.partition("=")
            if name not in {field.name for field in fields(cls)} or not value:
                known = ", ".join(field.name for field in fields(cls))
                raise ReplayError(f"--edge is {text!r}, expected NAME=VALUE with one of {known}")
            given[name] = value if name == "cut" else _number(text, name, value)
        if given.get("cut", "fin") not in CUTS:
            raise ReplayError(f"--edge is cut={given['cut']}, expected cut=fin or cut=rst")
        return cls(**given)


NO_LIMITS = EdgeLimits()


def _number(text: str, name: str, value: str) -> float:
    try:
        number = int(value) if name == "concurrency" else float(value)
    except ValueError:
        number = -1
    least = 1 if name == "concurrency" else 0
    # Not infinite, and no NaN.
    if not least <= number < 10**9:
        what = "a whole number of 1 or more" if least else "seconds"
        raise ReplayError(f"--edge is {text!r}, expected {what}")
    return number
