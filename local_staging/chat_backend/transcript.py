"""What each user and the agent said; a view shows one user only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


class StorageError(Exception):
    """What was said could not be read or written."""


class NotStorable(StorageError):
    """What was said will never be written: the storage does not take such a text."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of a transcript; `role` is user or agent."""

    role: str
    text: str


class Transcript(Protocol):
    """The messages of one user."""

    async def add(self, role: str, text: str) -> None:
        """Append a message. Raises StorageError."""

    async def recent(self, count: int) -> tuple[Entry, ...]:
        """Return the last `count` messages, oldest first. Raises StorageError."""

    async def said_by_user(self) -> tuple[str, ...]:
        """Return all texts of the user, oldest first. Raises StorageError."""


class MemoryTranscript:
    """The messages of one user, for as long as the process lives."""

    def __init__(self, entries: list[Entry] | None = None) -> None:
        self._entries = [] if entries is None else entries

    async def add(self, role: str, text: str) -> None:
        """Append a message."""
        self._entries.append(Entry(role, text))

    async def recent(self, count: int) -> tuple[Entry, ...]:
        """Return the last `count` messages, oldest first."""
        return tuple(self._entries[-count:])

    async def said_by_user(self) -> tuple[str, ...]:
        """Return all texts of the user, oldest first."""
        return tuple(entry.text for entry in self._entries if entry.role == "user")
