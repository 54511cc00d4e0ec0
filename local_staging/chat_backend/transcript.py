"""What each user and the agent said, in an embedded database; a view shows one user only."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

_SCHEMA = """
CREATE TABLE message (
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    role TEXT NOT NULL,
    text TEXT NOT NULL
);
CREATE INDEX message_by_user ON message (user_id, id);
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One message of a transcript; `role` is user or agent."""

    role: str
    text: str


class Transcript:
    """The messages of one user."""

    def __init__(self, database: sqlite3.Connection, user_id: str) -> None:
        self._database = database
        self._user_id = user_id

    def add(self, role: str, text: str) -> None:
        """Append a message."""
        with self._database:
            self._database.execute(
                "INSERT INTO message (user_id, role, text) VALUES (?, ?, ?)",
                (self._user_id, role, text),
            )

    def recent(self, count: int) -> tuple[Entry, ...]:
        """Return the last `count` messages, oldest first."""
        rows = self._database.execute(
            "SELECT role, text FROM message WHERE user_id = ? ORDER BY id DESC LIMIT ?",
            (self._user_id, count),
        ).fetchall()
        return tuple(Entry(role, text) for role, text in reversed(rows))

    def said_by_user(self) -> tuple[str, ...]:
        """Return all texts of the user, oldest first."""
        rows = self._database.execute(
            "SELECT text FROM message WHERE user_id = ? AND role = 'user' ORDER BY id",
            (self._user_id,),
        )
        return tuple(text for (text,) in rows)


class TranscriptStore:
    """The transcripts of all users, for as long as the process lives."""

    def __init__(self) -> None:
        # In memory a statement takes microseconds, so it may run on the event loop.
        self._database = sqlite3.connect(":memory:")
        self._database.executescript(_SCHEMA)

    def of_user(self, user_id: str) -> Transcript:
        """Return the transcript of one user."""
        return Transcript(self._database, user_id)

    def close(self) -> None:
        """Close the database."""
        self._database.close()
