"""A user's session outlives a connection by the reconnect grace, so that a reconnect resumes it.

Only connections that were accepted prolong a session. One that failed leaves the deadline where it
was, so a client that keeps trying cannot keep a session alive by failing.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Protocol

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.background import Background
from local_staging.chat_backend.storage import UserStorage
from local_staging.chat_backend.undelivered import Undelivered
from local_staging.tokens import Claims

LOOK_AGAIN_S = 0.1

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

    def __init__(self, user_id: str, storage: UserStorage, agent: Agent) -> None:
        self.user_id = user_id
        self.storage = storage
        self.agent = agent
        self.undelivered = Undelivered(storage.journal)
        self.handshake_complete = asyncio.Event()
        self.connections = 0
        self.kept_until_s = 0.0
        self._work = Background()
        self._restored: asyncio.Task[None] | None = None

    async def restore(self) -> None:
        """Have what outlived an earlier process, or return once another connection has it."""
        if self._restored is None:
            self._restored = asyncio.create_task(self._restore())
        await asyncio.shield(self._restored)

    def begin(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Begin some work, which goes on when the connection ends."""
        return self._work.run(coroutine)

    async def work(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Wait for some work, which goes on when the one who waits does not."""
        await asyncio.shield(self._work.run(self._worked(coroutine)))

    def forget(self, connection_id: str) -> None:
        """Write down, beside what goes on, that a connection ended."""
        self._work.run(self.storage.state.closed(connection_id))

    async def drained(self, timeout_s: float) -> bool:
        """Wait for the work that is under way; return whether that was all in time."""
        return await self._work.drained(timeout_s)

    @property
    def is_busy(self) -> bool:
        """Whether work is under way."""
        return len(self._work) > 0

    def end(self) -> None:
        """Give up the work that is under way."""
        self._work.cancel()

    async def _worked(self, coroutine: Coroutine[Any, Any, None]) -> None:
        before = self.agent.memory.to_json()
        await coroutine
        after = self.agent.memory.to_json()
        if after != before:
            await self.storage.state.save(after)

    async def _restore(self) -> None:
        known = await self.storage.state.load()
        if known is not None:
            self.agent.memory.restore(known)
        await self.undelivered.fetch()


class Sessions:
    """All sessions by user; `create` makes the one of a user who has none."""

    def __init__(self, create: Callable[[Claims], Session], grace_s: float, timers: Timers) -> None:
        self._create = create
        self._grace_s = grace_s
        self._timers = timers
        self._by_user: dict[str, Session] = {}
        self._release_by_user: dict[str, Timer] = {}

    def __len__(self) -> int:
        return len(self._by_user)

    def __iter__(self) -> Iterator[Session]:
        return iter(tuple(self._by_user.values()))

    def of_user(self, user_id: str) -> Session | None:
        """Return the session of a user who has one."""
        return self._by_user.get(user_id)

    async def drained(self, timeout_s: float) -> bool:
        """Wait for the work of all sessions; return whether that was all in time."""
        sessions = tuple(self._by_user.values())
        return all(await asyncio.gather(*(session.drained(timeout_s) for session in sessions)))

    def join(self, user: Claims) -> Session:
        """Return the user's session for one more connection; `leave` gives it back."""
        user_id = user.user_id
        release = self._release_by_user.pop(user_id, None)
        if release is not None:
            release.cancel()
        session = self._by_user.get(user_id)
        if session is None:
            session = self._by_user[user_id] = self._create(user)
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
            self._release_later(session.user_id, remaining_s)
        else:
            self._release(session.user_id)

    def _release_later(self, user_id: str, delay_s: float) -> None:
        release = partial(self._release, user_id)
        self._release_by_user[user_id] = self._timers.call_later(delay_s, release)

    def _release(self, user_id: str) -> None:
        self._release_by_user.pop(user_id, None)
        if self._by_user[user_id].is_busy:
            # What the user asked for is finished, and waits for the next connection.
            self._release_later(user_id, LOOK_AGAIN_S)
            return
        self._by_user.pop(user_id).end()
        _log.info("session released user=%s", user_id)
