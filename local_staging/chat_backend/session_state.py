"""What of a user's session outlives the process."""

from __future__ import annotations

from typing import Protocol


class SessionState(Protocol):
    """The state of one user's session. What cannot be written is logged, and the chat goes on."""

    async def load(self) -> str | None:
        """Return what the agent remembered, if that is known."""

    async def save(self, memory: str) -> None:
        """Write down what the agent remembers."""

    async def opened(self, connection_id: str) -> None:
        """Write down that a connection is ready."""

    async def closed(self, connection_id: str) -> None:
        """Write down that it ended."""


class NoSessionState:
    """For a backend that keeps all in memory."""

    async def load(self) -> str | None:
        """Nothing is known."""
        return None

    async def save(self, memory: str) -> None:
        """Nothing is written."""

    async def opened(self, connection_id: str) -> None:
        """Nothing is written."""

    async def closed(self, connection_id: str) -> None:
        """Nothing is written."""
