"""A user's session outlives a connection by the reconnect grace, so that a reconnect resumes it.

Only connections that were accepted prolong a session. One that failed leaves the deadline where it
was, so a client that keeps trying cannot keep a session alive by failing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.transcript import Transcript
from local_staging.chat_backend.undelivered import Undelivered

_log = logging.getLogger(__name__)


class Timer(Protocol):
    """A call that will happen, unless it is cancelled."""

    def cancel(self) -> None:
        """Take the call back."""


class Timers(Protocol):
    """The part of an event loop that sessions need."""

    def time(self) -> float:
        """Return the loop's time in seconds."""

    def call_later(self, delay: float, callback: Callable[[], object]) -> Timer:
        """Call `callback` after `delay` seconds."""


class Session:
    """What the product holds for one user between connections.

    What was begun for the user goes on when a connection ends, until the session does.
    """

    def __init__(self, user_id: str, transcript: Transcript, agent: Agent) -> None:
        self.user_id = user_id
        self.transcript = transcript
        self.agent = agent
        self.undelivered = Undelivered()
        self.handshake_complete = asyncio.Event()
        self.connections = 0
        self.kept_until_s = 0.0
        self._work: set[asyncio.Task[None]] = set()

    async def work(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Wait for some work, which goes on when the one who waits does not."""
        task = asyncio.create_task(coroutine)
        self._work.add(task)
        task.add_done_callback(self._work.discard)
        await asyncio.shield(task)

    def end(self) -> None:
        """Give up the work that is under way."""
        for task in self._work:
            task.cancel()


class Sessions:
    """All sessions by user; `create` makes the one of a user who has none."""

    def __init__(self, create: Callable[[str], Session], grace_s: float, timers: Timers) -> None:
        self._create = create
        self._grace_s = grace_s
        self._timers = timers
        self._by_user: dict[str, Session] = {}
        self._release_by_user: dict[str, Timer] = {}

    def __len__(self) -> int:
        return len(self._by_user)

    def join(self, user_id: str) -> Session:
        """Return the user's session for one more connection; `leave` gives it back."""
        release = self._release_by_user.pop(user_id, None)
        if release is not None:
            release.cancel()
        session = self._by_user.get(user_id)
        if session is None:
            session = self._by_user[user_id] = self._create(user_id)
            session.kept_until_s = self._timers.time()
            _log.info("session created user=%s", user_id)
        else:
            _log.info("session resumed user=%s", user_id)
        session.connections += 1
        return session

    def leave(self, session: Session, *, accepted: bool) -> None:
        """Give a session back; after its last connection it is kept for the grace."""
        session.connections -= 1
        now_s = self._timers.time()
        if accepted:
            session.kept_until_s = now_s + self._grace_s
        if session.connections > 0:
            return
        remaining_s = session.kept_until_s - now_s
        if remaining_s > 0:
            self._release_by_user[session.user_id] = self._timers.call_later(
                remaining_s, partial(self._release, session.user_id)
            )
        else:
            self._release(session.user_id)

    def _release(self, user_id: str) -> None:
        self._release_by_user.pop(user_id, None)
        self._by_user.pop(user_id).end()
        _log.info("session released user=%s", user_id)
