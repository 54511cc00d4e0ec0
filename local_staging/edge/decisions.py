"""What the rules of the edge decide; whoever runs them does it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StartInstance:
    """Start an instance."""

    instance: int


@dataclass(frozen=True, slots=True)
class Route:
    """Send a request to an instance."""

    request: int
    instance: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer a request here, with a status of HTTP; nothing has been sent to its client yet."""

    request: int
    status: int
    text: str


@dataclass(frozen=True, slots=True)
class Cut:
    """End the connection of a request, by the way that the policy names."""

    request: int
    why: str


@dataclass(frozen=True, slots=True)
class Terminate:
    """Send SIGTERM to an instance."""

    instance: int


@dataclass(frozen=True, slots=True)
class Kill:
    """Send SIGKILL to an instance."""

    instance: int


Decision = StartInstance | Route | Answer | Cut | Terminate | Kill
