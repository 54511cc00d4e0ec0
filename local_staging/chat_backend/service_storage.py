"""Storage in Redis and PostgreSQL, shared by all processes of one staging."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError

from local_staging.chat_backend.background import Background
from local_staging.chat_backend.late_transcript import LateTranscript
from local_staging.chat_backend.postgres_transcript import PostgresDatabase, PostgresTranscript
from local_staging.chat_backend.readiness import Check
from local_staging.chat_backend.redis_state import RedisJournal, RedisSessionState, RedisStore
from local_staging.chat_backend.storage import UserStorage

# With the 6 s of the auth service these are the 22 s of the incident.
REDIS_CHECK_S = 8.0
POSTGRES_CHECK_S = 8.0

LISTEN_AGAIN_S = 0.5
CLOSE_S = 3.0
MOST_REDIS_CONNECTIONS = 50

_log = logging.getLogger(__name__)


class ServiceStorage:
    """Keeps state in Redis and what was said in PostgreSQL."""

    def __init__(self, redis_url: str, postgres_url: str, namespace: str) -> None:
        self._background = Background()
        # A connection of the pool may have ended since it was last used: that is no failure yet.
        # Whoever comes when all connections are out waits for one.
        pool = BlockingConnectionPool.from_url(
            redis_url,
            max_connections=MOST_REDIS_CONNECTIONS,
            timeout=None,
            decode_responses=True,
            # How long an answer may take is up to whoever asks.
            socket_timeout=None,
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 1),
            retry_on_error=[ConnectionError, RedisConnectionError],
        )
        self._redis = Redis.from_pool(pool)
        self._store = RedisStore(self._redis, namespace, self._background)
        self._database = PostgresDatabase(postgres_url, namespace)
        # What waits to be written is seen by later sessions, too.
        self._transcripts: dict[str, LateTranscript] = {}
        self._listening: asyncio.Task[None] | None = None

    def of_user(self, user_id: str, name: str) -> UserStorage:
        """Return what is kept of one user."""
        transcript = self._transcripts.get(user_id)
        if transcript is None:
            direct = PostgresTranscript(self._database, user_id, name)
            transcript = self._transcripts[user_id] = LateTranscript(direct, self._background)
        return UserStorage(
            transcript,
            RedisJournal(self._store, user_id),
            RedisSessionState(self._store, user_id),
        )

    def checks(self) -> Sequence[Check]:
        """Return how to ask both."""

        async def ask_redis() -> None:
            await self._redis.ping()

        return (
            # Both are bridged from memory while they are away.
            Check("Redis", ask_redis, REDIS_CHECK_S, is_needed=False),
            Check("PostgreSQL", self._database.ask, POSTGRES_CHECK_S, is_needed=False),
        )

    def listen(self, abandoned: Callable[[str], None]) -> None:
        """Call back with the id of each user whose event nobody takes, here or elsewhere."""
        self._listening = asyncio.create_task(self._listen(abandoned))

    async def close(self) -> None:
        """Close both, after a bounded wait for what is being written."""
        if self._listening is not None:
            self._listening.cancel()
        await self._background.drained(CLOSE_S)
        await self._redis.aclose()
        await self._database.close()

    async def _listen(self, abandoned: Callable[[str], None]) -> None:
        while True:
            try:
                async with self._redis.pubsub() as channel:
                    await channel.subscribe(self._store.key("abandoned"))
                    async for message in channel.listen():
                        if message["type"] == "message":
                            abandoned(message["data"])
            except (RedisError, OSError) as error:
                _log.warning("Redis cannot be listened to: %s: %s", type(error).__name__, error)
            await asyncio.sleep(LISTEN_AGAIN_S)
