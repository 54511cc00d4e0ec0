"""Users and messages in PostgreSQL, in a schema of the staging's own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import asyncpg

from local_staging.chat_backend.transcript import Entry, NotStorable, StorageError

LONGEST_S = 8.0
MOST_CONNECTIONS = 10

_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.user_account (
    user_id text PRIMARY KEY,
    name text NOT NULL,
    first_seen_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE IF NOT EXISTS {schema}.message (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id text NOT NULL REFERENCES {schema}.user_account,
    role text NOT NULL CHECK (role IN ('user', 'agent')),
    text text NOT NULL,
    said_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX IF NOT EXISTS message_by_user ON {schema}.message (user_id, id);
"""

T = TypeVar("T")


class PostgresDatabase:
    """A pool that connects when it is first used, so that the backend starts without it.

    `namespace` becomes part of statements: settings.py checks it.
    """

    def __init__(self, url: str, namespace: str) -> None:
        self._url = url
        self._schema = namespace
        self._pool: asyncpg.Pool | None = None
        self._making = asyncio.Lock()

    async def use(self, operation: Callable[[Any], Awaitable[T]]) -> T:
        """Return what an operation on a connection gives. Raises StorageError, NotStorable."""
        try:
            async with asyncio.timeout(LONGEST_S), self._connection() as connection:
                return await operation(connection)
        except TimeoutError:
            raise StorageError(f"PostgreSQL gave no answer within {LONGEST_S:g} s") from None
        except (asyncpg.DataError, asyncpg.IntegrityConstraintViolationError) as error:
            raise NotStorable(f"PostgreSQL: {type(error).__name__}: {error}") from error
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise StorageError(f"PostgreSQL: {type(error).__name__}: {error}") from error

    async def ask(self) -> None:
        """Return when it answers. Raises StorageError."""
        await self.use(lambda connection: connection.fetchval("SELECT 1"))

    async def close(self) -> None:
        """Close the pool."""
        if self._pool is not None:
            # Not close(): that waits for those that are out, for a database that is gone for ever.
            self._pool.terminate()

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Any]:
        pool = await self._made()
        connection = await pool.acquire()
        try:
            yield connection
        except asyncio.CancelledError:
            # To take the query back asyncpg would ask the database, which gave no answer.
            connection.terminate()
            raise
        finally:
            await pool.release(connection)

    async def _made(self) -> asyncpg.Pool:
        async with self._making:
            if self._pool is None:
                pool = await asyncpg.create_pool(
                    self._url,
                    min_size=1,
                    max_size=MOST_CONNECTIONS,
                    server_settings={"search_path": self._schema},
                )
                try:
                    async with pool.acquire() as connection, connection.transaction():
                        # IF NOT EXISTS does not help two that make it at the same time.
                        await connection.execute("SELECT pg_advisory_xact_lock(20260523)")
                        await connection.execute(_SCHEMA.format(schema=self._schema))
                except BaseException:
                    pool.terminate()
                    raise
                self._pool = pool
            return self._pool


class PostgresTranscript:
    """The messages of one user."""

    def __init__(self, database: PostgresDatabase, user_id: str, name: str) -> None:
        self._database = database
        self._user_id = user_id
        self._name = name

    async def add(self, role: str, text: str) -> None:
        """Append a message. Raises StorageError."""

        async def write(connection: Any) -> None:  # noqa: ANN401 - asyncpg has no types
            async with connection.transaction():
                await connection.execute(
                    "INSERT INTO user_account (user_id, name) VALUES ($1, $2) "
                    "ON CONFLICT (user_id) DO NOTHING",
                    self._user_id,
                    self._name,
                )
                await connection.execute(
                    "INSERT INTO message (user_id, role, text) VALUES ($1, $2, $3)",
                    self._user_id,
                    role,
                    # PostgreSQL has no place for it in a text.
                    text.replace("\0", "\N{REPLACEMENT CHARACTER}"),
                )

        await self._database.use(write)

    async def recent(self, count: int) -> tuple[Entry, ...]:
        """Return the last `count` messages, oldest first. Raises StorageError."""
        rows = await self._database.use(
            lambda connection: connection.fetch(
                "SELECT role, text FROM message WHERE user_id = $1 ORDER BY id DESC LIMIT $2",
                self._user_id,
                count,
            )
        )
        return tuple(Entry(row["role"], row["text"]) for row in reversed(rows))

    async def said_by_user(self) -> tuple[str, ...]:
        """Return all texts of the user, oldest first. Raises StorageError."""
        rows = await self._database.use(
            lambda connection: connection.fetch(
                "SELECT text FROM message WHERE user_id = $1 AND role = 'user' ORDER BY id",
                self._user_id,
            )
        )
        return tuple(row["text"] for row in rows)
