"""Where the chat backend keeps what it has to keep: in this process, or in Redis and PostgreSQL."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from local_staging.chat_backend.journal import Journal, NoJournal
from local_staging.chat_backend.readiness import Check
from local_staging.chat_backend.session_state import NoSessionState, SessionState
from local_staging.chat_backend.transcript import Entry, MemoryTranscript, Transcript


@dataclass(frozen=True, slots=True)
class UserStorage:
    """What is kept of one user. The defaults keep it in memory."""

    transcript: Transcript = field(default_factory=MemoryTranscript)
    journal: Journal = field(default_factory=NoJournal)
    state: SessionState = field(default_factory=NoSessionState)


class Storage(Protocol):
    """What is kept of all users."""

    def of_user(self, user_id: str, name: str) -> UserStorage:
        """Return what is kept of one user."""

    def checks(self) -> Sequence[Check]:
        """Return how to ask whether it is well."""

    def listen(self, abandoned: Callable[[str], None]) -> None:
        """Call back with the id of each user whose event nobody takes, here or elsewhere."""

    async def close(self) -> None:
        """Give back what is held open."""


class MemoryStorage:
    """Keeps all in this process, and needs nothing beside it."""

    def __init__(self) -> None:
        self._entries: defaultdict[str, list[Entry]] = defaultdict(list)

    def of_user(self, user_id: str, name: str) -> UserStorage:
        """Return what is kept of one user."""
        return UserStorage(MemoryTranscript(self._entries[user_id]))

    def checks(self) -> Sequence[Check]:
        """Nothing can be away."""
        return ()

    def listen(self, abandoned: Callable[[str], None]) -> None:
        """There is no elsewhere."""

    async def close(self) -> None:
        """Nothing is held open."""
