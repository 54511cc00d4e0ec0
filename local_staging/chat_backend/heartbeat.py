"""How often a connection is asked whether it lives, and when it is taken for dead.

uvicorn does the asking. The numbers have to fit whatever lies between: a heartbeat that is rarer
than an idle timeout keeps nothing alive, and one that allows less than a slow network needs kills
the living.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """A ping each `interval_s`, and `timeout_s` for its answer."""

    interval_s: float
    timeout_s: float
