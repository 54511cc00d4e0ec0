"""Storage on real services, and what it does when one of them is out of reach."""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable

import pytest
from redis.asyncio import Redis

from local_staging.chat_backend import redis_state
from local_staging.chat_backend.postgres_transcript import PostgresTranscript
from local_staging.chat_backend.service_storage import ServiceStorage
from local_staging.chat_backend.transcript import Entry, NotStorable, StorageError
from local_staging.services.backing import BackingServices
from replay.fault_proxy import Blackhole, parse_fault
from replay.fault_proxy.proxy import FaultProxy

PATIENCE_S = 10.0


@pytest.fixture
def namespace() -> str:
    return f"test_{secrets.token_hex(4)}"


@pytest.fixture
async def storage(services: BackingServices, namespace: str) -> AsyncIterator[ServiceStorage]:
    made = ServiceStorage(services.redis.url, services.postgres.url, namespace)
    yield made
    await made.close()


@pytest.fixture
async def other(services: BackingServices, namespace: str) -> AsyncIterator[ServiceStorage]:
    """Another process of the same staging."""
    made = ServiceStorage(services.redis.url, services.postgres.url, namespace)
    yield made
    await made.close()


async def until(what: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not what():
            await asyncio.sleep(0.005)


async def written(storage: ServiceStorage, user_id: str, entry: Entry) -> None:
    """Wait until a message is the last one that the database has."""
    async with asyncio.timeout(PATIENCE_S):
        while await storage.of_user(user_id, user_id.title()).transcript.recent(1) != (entry,):
            await asyncio.sleep(0.005)


async def test_a_transcript_is_shared_and_users_are_not(
    storage: ServiceStorage, other: ServiceStorage
) -> None:
    await asyncio.gather(
        storage.of_user("alice", "Alice").transcript.add("user", "a \0 and \N{BLACK HEART SUIT}"),
        other.of_user("bob", "Bob").transcript.add("user", "hello"),
    )
    await written(
        other, "alice", Entry("user", "a \N{REPLACEMENT CHARACTER} and \N{BLACK HEART SUIT}")
    )
    await other.of_user("alice", "Alice").transcript.add("agent", "answer")
    await written(storage, "alice", Entry("agent", "answer"))
    await written(storage, "bob", Entry("user", "hello"))
    alice = storage.of_user("alice", "Alice").transcript
    assert [entry.role for entry in await alice.recent(9)] == ["user", "agent"]
    assert await storage.of_user("bob", "Bob").transcript.said_by_user() == ("hello",)


async def test_namespaces_do_not_meet(services: BackingServices, storage: ServiceStorage) -> None:
    elsewhere = ServiceStorage(services.redis.url, services.postgres.url, "test_elsewhere")
    await storage.of_user("alice", "Alice").transcript.add("user", "here")
    await storage.of_user("alice", "Alice").journal.keep({"number": 1})
    there = elsewhere.of_user("alice", "Alice")
    assert await there.transcript.recent(9) == ()
    assert await there.journal.kept_by_others() == []
    await elsewhere.close()


async def test_events_outlive_the_process_until_they_are_confirmed(
    storage: ServiceStorage, other: ServiceStorage
) -> None:
    mine = storage.of_user("alice", "Alice").journal
    for number in range(20):
        await mine.keep({"number": number})
    assert await mine.kept_by_others() == []
    mine.confirmed([{"number": number} for number in range(3)])
    theirs = other.of_user("alice", "Alice").journal
    async with asyncio.timeout(PATIENCE_S):
        while (kept := await other.of_user("alice", "Alice").journal.kept_by_others())[0] != {
            "number": 3
        }:
            await asyncio.sleep(0.005)
    assert kept == [{"number": number} for number in range(3, 20)]
    assert await theirs.kept_by_others() == kept
    assert await theirs.kept_by_others() == []


async def test_another_process_hears_of_what_nobody_takes(
    storage: ServiceStorage, other: ServiceStorage
) -> None:
    heard: list[str] = []
    other.listen(heard.append)

    def tell() -> bool:
        # Who listens may not have subscribed yet.
        storage.of_user("alice", "Alice").journal.abandoned()
        return bool(heard)

    await until(tell)
    assert set(heard) == {"alice"}


async def test_the_state_of_a_session(
    services: BackingServices, storage: ServiceStorage, other: ServiceStorage, namespace: str
) -> None:
    state = storage.of_user("alice", "Alice").state
    assert await state.load() is None
    await state.save("memory")
    assert await other.of_user("alice", "Alice").state.load() == "memory"
    assert await other.of_user("bob", "Bob").state.load() is None
    await state.opened("c1")
    await state.opened("c2")
    await state.closed("c1")
    redis = Redis.from_url(services.redis.url, decode_responses=True)
    assert list(await redis.hgetall(f"{namespace}:connections:alice")) == ["c2"]
    await redis.aclose()


async def test_both_are_asked_for_readiness(storage: ServiceStorage) -> None:
    checks = storage.checks()
    assert [(check.name, check.timeout_s) for check in checks] == [
        ("Redis", 8.0),
        ("PostgreSQL", 8.0),
    ]
    for check in checks:
        await check.ask()


async def test_without_redis_the_chat_goes_on_from_memory(
    services: BackingServices,
    namespace: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(redis_state, "LONGEST_S", 0.1)
    async with FaultProxy(services.redis.address) as proxy:
        url = services.redis.url_through(*proxy.address)
        storage = ServiceStorage(url, services.postgres.url, namespace)
        journal = storage.of_user("alice", "Alice").journal
        await journal.keep({"number": 0})
        proxy.apply("hole", Blackhole())
        began_s = time.perf_counter()
        for number in range(1, 50):
            await journal.keep({"number": number})
        # One attempt, not fifty.
        assert time.perf_counter() - began_s < 49 * 0.1
        assert "Redis could not keep events: TimeoutError" in caplog.text
        await storage.close()


async def test_without_postgresql_it_is_said_so(services: BackingServices, namespace: str) -> None:
    async with FaultProxy(services.postgres.address) as proxy:
        url = services.postgres.url_through(*proxy.address)
        storage = ServiceStorage(services.redis.url, url, namespace)
        # Straight to the database, where storage has a queue between.
        transcript = PostgresTranscript(storage._database, "alice", "Alice")
        proxy.apply("down", parse_fault("down"))
        with pytest.raises(StorageError, match="PostgreSQL: ConnectionRefusedError"):
            await transcript.add("user", "lost")
        proxy.lift("down")
        await transcript.add("user", "kept")
        proxy.apply("down", parse_fault("down"))
        with pytest.raises(StorageError, match="PostgreSQL: "):
            await transcript.recent(9)
        proxy.lift("down")
        assert await transcript.said_by_user() == ("kept",)
        await storage.close()


async def test_messages_wait_for_a_database_that_is_away(
    services: BackingServices, storage: ServiceStorage, namespace: str
) -> None:
    async with FaultProxy(services.postgres.address) as proxy:
        url = services.postgres.url_through(*proxy.address)
        behind = ServiceStorage(services.redis.url, url, namespace)
        proxy.apply("down", parse_fault("down"))
        await behind.of_user("alice", "Alice").transcript.add("user", "kept")
        assert await storage.of_user("alice", "Alice").transcript.recent(9) == ()
        proxy.lift("down")
        async with asyncio.timeout(PATIENCE_S):
            while not await storage.of_user("alice", "Alice").transcript.recent(9):
                await asyncio.sleep(0.05)
        await behind.close()


async def test_what_postgresql_never_takes_is_told_from_what_it_does_not_take_now(
    storage: ServiceStorage,
) -> None:
    transcript = PostgresTranscript(storage._database, "alice", "Alice")
    with pytest.raises(NotStorable, match="CheckViolationError"):
        await transcript.add("nobody", "whose role is none")
    with pytest.raises(NotStorable, match="DataError"):
        await transcript.add("user", "half a character: \ud800")
    await transcript.add("user", "and this it takes")
