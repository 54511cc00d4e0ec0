"""Session state and undelivered events in Redis.

Every key begins with the namespace of the staging, so that several may share a Redis. Times out of
reach are bridged: what cannot be written is logged, and the chat goes on from memory.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar, cast

from redis.asyncio import Redis
from redis.exceptions import RedisError

from local_staging.chat_backend.background import Background
from local_staging.chat_backend.journal import Event
from local_staging.clock import monotonic_ns, unix_time_us

LONGEST_S = 2.0
# After a failure Redis is left alone for so long: an event must not wait for each attempt.
PAUSE_NS = 2_000_000_000
TRY_AGAIN_S = 0.5
EVENTS_LIVE_S = 300
STATE_LIVES_S = 3_600

# uvloop has a RuntimeError for a transport that was reset before it is written to, and redis-py
# (8.1) passes it on; asyncio's own loop has none there.
_OUT_OF_REACH = (RedisError, OSError, TimeoutError, RuntimeError)

T = TypeVar("T")

_log = logging.getLogger(__name__)


class RedisStore:
    """One Redis, asked with patience that ends; `namespace` begins each key."""

    def __init__(self, redis: Redis, namespace: str, background: Background) -> None:
        self.redis = redis
        self.background = background
        self._namespace = namespace
        self._alone_until_ns = 0

    def key(self, *parts: str) -> str:
        """Return the name of a key or a channel."""
        return ":".join((self._namespace, *parts))

    async def attempt(self, what: str, operation: Callable[[], Awaitable[T]], other: T) -> T:
        """Return what the operation gives, or `other` when Redis is out of reach."""
        if monotonic_ns() < self._alone_until_ns:
            return other
        try:
            async with asyncio.timeout(LONGEST_S):
                return await operation()
        except _OUT_OF_REACH as error:
            self._alone_until_ns = monotonic_ns() + PAUSE_NS
            _log.warning("Redis could not %s: %s: %s", what, type(error).__name__, error)
            # The others that wait in the pool are as dead, and each would be an error of its own.
            await self.redis.connection_pool.disconnect(inuse_connections=False)
            return other


class RedisJournal:
    """The undelivered events of one user: a sorted set, by the time at which they were kept.

    What Redis does not take is written once it does; it is lost only if the process is killed
    meanwhile. What it is not told to forget in time is delivered once more.
    """

    def __init__(self, store: RedisStore, user_id: str) -> None:
        self._store = store
        self._user_id = user_id
        self._key = store.key("events", user_id)
        self._known: set[str] = set()
        self._unwritten: dict[str, int] = {}
        self._unforgotten: set[str] = set()
        self._is_behind = False
        self._is_telling = False

    async def keep(self, event: Event) -> None:
        """Write an event down."""
        text = _text(event)
        self._known.add(text)
        self._unwritten[text] = unix_time_us()
        await self._catch_up()

    def confirmed(self, events: Iterable[Event]) -> None:
        """Forget events, beside what goes on."""
        texts = [_text(event) for event in events]
        if not texts:
            return
        self._known.difference_update(texts)
        for text in texts:
            self._unwritten.pop(text, None)
        self._unforgotten.update(texts)
        self._store.background.run(self._catch_up())

    async def _catch_up(self) -> None:
        """Have Redis told what it does not know: now, or beside what goes on."""
        if self._is_behind or await self._write() or self._is_behind:
            return
        self._is_behind = True
        self._store.background.run(self._write_late())

    async def _write(self) -> bool:
        """Tell Redis what it does not know yet; return whether it took it."""
        written, forgotten = dict(self._unwritten), tuple(self._unforgotten)

        async def write() -> bool:
            async with self._store.redis.pipeline(transaction=True) as pipeline:
                if written:
                    pipeline.zadd(self._key, dict(written))
                    pipeline.expire(self._key, EVENTS_LIVE_S)
                if forgotten:
                    pipeline.zrem(self._key, *forgotten)
                await pipeline.execute()
            return True

        is_something = bool(written or forgotten)
        if is_something and not await self._store.attempt("keep events", write, other=False):
            return False
        for text in written:
            self._unwritten.pop(text, None)
        self._unforgotten.difference_update(forgotten)
        return True

    async def _write_late(self) -> None:
        try:
            while self._unwritten or self._unforgotten:
                await asyncio.sleep(TRY_AGAIN_S)
                await self._write()
        finally:
            self._is_behind = False

    def abandoned(self) -> None:
        """Tell all processes, beside what goes on; once is enough for all that waits by then."""
        if self._is_telling:
            return
        self._is_telling = True

        async def tell() -> None:
            self._is_telling = False
            await self._store.redis.publish(self._store.key("abandoned"), self._user_id)

        async def try_to() -> None:
            await self._store.attempt("tell of an event", tell, None)
            self._is_telling = False

        self._store.background.run(try_to())

    async def kept_by_others(self) -> list[Event]:
        """Return what others left."""

        async def read() -> list[str]:
            # The client decodes all that it reads; its types allow for one that does not.
            return cast("list[str]", await self._store.redis.zrange(self._key, 0, -1))

        texts: list[str] = await self._store.attempt("read events", read, [])
        new = [text for text in texts if text not in self._known]
        self._known.update(new)
        return [json.loads(text) for text in new]


class RedisSessionState:
    """The agent's memory and the open connections of one user."""

    def __init__(self, store: RedisStore, user_id: str) -> None:
        self._store = store
        self._state_key = store.key("session", user_id)
        self._connections_key = store.key("connections", user_id)

    async def load(self) -> str | None:
        """Return what the agent remembered, if that is known."""

        async def read() -> str | None:
            return cast("str | None", await self._store.redis.get(self._state_key))

        return await self._store.attempt("read a session", read, None)

    async def save(self, memory: str) -> None:
        """Write down what the agent remembers."""

        async def write() -> None:
            await self._store.redis.set(self._state_key, memory, ex=STATE_LIVES_S)

        await self._store.attempt("write a session", write, None)

    async def opened(self, connection_id: str) -> None:
        """Write down that a connection is ready."""

        async def write() -> None:
            async with self._store.redis.pipeline(transaction=True) as pipeline:
                pipeline.hset(self._connections_key, connection_id, str(unix_time_us()))
                pipeline.expire(self._connections_key, STATE_LIVES_S)
                await pipeline.execute()

        await self._store.attempt("write a connection", write, None)

    async def closed(self, connection_id: str) -> None:
        """Write down that it ended."""

        async def remove() -> None:
            await self._store.redis.hdel(self._connections_key, connection_id)

        await self._store.attempt("remove a connection", remove, None)


def _text(event: Event) -> str:
    return json.dumps(event)
