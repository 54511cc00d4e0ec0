"""What is kept in a real Redis while it comes and goes."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from local_staging.chat_backend.background import Background
from local_staging.chat_backend.redis_state import RedisJournal, RedisStore
from local_staging.services.backing import BackingServices
from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy

EVENTS = [{"type": "agent_started", "sequence": number} for number in range(3)]


@asynccontextmanager
async def journal(url: str, namespace: str) -> AsyncIterator[RedisJournal]:
    """One process's journal of one user."""
    redis = Redis.from_url(url, decode_responses=True)
    try:
        yield RedisJournal(RedisStore(redis, namespace, Background()), "alice")
    finally:
        await redis.aclose()


async def kept(journal: RedisJournal, count: int) -> list[dict[str, object]]:
    """Return what another process reads, once that is so many events."""
    found: list[dict[str, object]] = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += await journal.kept_by_others()
            await asyncio.sleep(0.05)
    return found


async def test_events_of_a_time_without_redis_are_written_when_it_is_back(
    services: BackingServices,
) -> None:
    namespace = f"test_{secrets.token_hex(4)}"
    async with (
        FaultProxy(services.redis.address) as proxy,
        journal(services.redis.url_through(*proxy.address), namespace) as ours,
        journal(services.redis.url, namespace) as others,
    ):
        await ours.keep(EVENTS[0])
        proxy.apply("fault", parse_fault("down"))
        await ours.keep(EVENTS[1])
        await ours.keep(EVENTS[2])
        assert await others.kept_by_others() == EVENTS[:1]
        proxy.lift_all()
        assert await kept(others, 2) == EVENTS[1:]


async def test_what_was_confirmed_meanwhile_is_not_written(services: BackingServices) -> None:
    namespace = f"test_{secrets.token_hex(4)}"
    async with (
        FaultProxy(services.redis.address) as proxy,
        journal(services.redis.url_through(*proxy.address), namespace) as ours,
        journal(services.redis.url, namespace) as others,
    ):
        proxy.apply("fault", parse_fault("down"))
        await ours.keep(EVENTS[0])
        await ours.keep(EVENTS[1])
        ours.confirmed(EVENTS[:1])
        proxy.lift_all()
        assert await kept(others, 1) == EVENTS[1:2]
        assert await others.kept_by_others() == []


async def test_what_was_confirmed_without_redis_is_forgotten_when_it_is_back(
    services: BackingServices,
) -> None:
    """Or it would be delivered again to each session after this one."""
    namespace = f"test_{secrets.token_hex(4)}"
    async with (
        FaultProxy(services.redis.address) as proxy,
        journal(services.redis.url_through(*proxy.address), namespace) as ours,
        Redis.from_url(services.redis.url, decode_responses=True) as redis,
    ):
        for event in EVENTS:
            await ours.keep(event)
        proxy.apply("fault", parse_fault("down"))
        ours.confirmed(EVENTS[:1])
        await asyncio.sleep(0.1)
        ours.confirmed(EVENTS[1:])
        proxy.lift_all()
        async with asyncio.timeout(10):
            while await redis.zcard(f"{namespace}:events:alice"):
                await asyncio.sleep(0.05)


async def test_that_events_wait_is_told_once_for_all_of_them(services: BackingServices) -> None:
    namespace = f"test_{secrets.token_hex(4)}"
    async with (
        journal(services.redis.url, namespace) as ours,
        Redis.from_url(services.redis.url, decode_responses=True) as redis,
        redis.pubsub() as channel,
    ):
        await channel.subscribe(f"{namespace}:abandoned")
        assert (await channel.get_message(timeout=10))["type"] == "subscribe"
        for _ in range(2):
            for _ in range(50):
                ours.abandoned()
            assert (await channel.get_message(timeout=10))["data"] == "alice"
            assert await channel.get_message(timeout=0.2) is None
