"""A transcript whose messages are written behind: a chat does not wait for its database.

While the database is away they wait here, in order, and are read from here. What waits is lost
only if the process is killed meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque

from local_staging.chat_backend.background import Background
from local_staging.chat_backend.transcript import Entry, NotStorable, StorageError, Transcript

TRY_AGAIN_S = 0.5
MOST_WAITING = 1_000

_log = logging.getLogger(__name__)


class LateTranscript:
    """Messages of one user, written to another transcript when it takes them."""

    def __init__(self, transcript: Transcript, background: Background) -> None:
        self._transcript = transcript
        self._background = background
        self._waiting: deque[Entry] = deque()
        # A message is either waiting or written, and never seen as both or neither.
        self._moving = asyncio.Lock()
        self._is_writing = False

    async def add(self, role: str, text: str) -> None:
        """Append a message. Raises StorageError when too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            raise StorageError(f"{MOST_WAITING} messages wait to be written")
        self._waiting.append(Entry(role, text))
        if not self._is_writing:
            self._is_writing = True
            self._background.run(self._write())

    async def recent(self, count: int) -> tuple[Entry, ...]:
        """Return the last `count` messages, oldest first. Raises StorageError."""
        async with self._moving:
            return (*await self._transcript.recent(count), *self._waiting)[-count:]

    async def said_by_user(self) -> tuple[str, ...]:
        """Return all texts of the user, oldest first. Raises StorageError."""
        async with self._moving:
            said = await self._transcript.said_by_user()
            return (*said, *(entry.text for entry in self._waiting if entry.role == "user"))

    async def _write(self) -> None:
        try:
            while self._waiting:
                async with self._moving:
                    entry = self._waiting[0]
                    try:
                        await self._transcript.add(entry.role, entry.text)
                        self._waiting.popleft()
                        continue
                    except NotStorable as error:
                        # Or all that is said after it would wait for ever.
                        _log.error("a message of %s is left out: %s", entry.role, error)
                        self._waiting.popleft()
                        continue
                    except StorageError as error:
                        _log.warning(
                            "%d messages wait to be written: %s", len(self._waiting), error
                        )
                await asyncio.sleep(TRY_AGAIN_S)
        finally:
            self._is_writing = False
