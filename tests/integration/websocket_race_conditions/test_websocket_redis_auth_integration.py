"""The plan's section 2.1: WebSocket, Redis and authentication together, all of them real."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from local_staging.chat_backend.builds import Build
from local_staging.edge_settings import EdgeSettings
from local_staging.services.backing import BackingServices
from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.chat_client import WAIT_S, ChatClient, answer_of
from tests.staging.cloud_run import CloudRun
from tests.staging.concurrent_connections import ConcurrentConnections, each
from tests.staging.staged import Staged

USERS = [f"user-{number:02}" for number in range(1, 11)]


async def connections_in_redis(services: BackingServices, namespace: str, user: str) -> set[str]:
    async with Redis.from_url(services.redis.url, decode_responses=True) as redis:
        return set(await redis.hgetall(f"{namespace}:connections:{user}"))


@pytest.mark.guards(5, "was written down as ready before it was heard")
async def test_websocket_redis_connection_race(
    build: Build, staged: Staged, services: BackingServices
) -> None:
    async def known(user: str) -> set[str]:
        return await connections_in_redis(services, staged.namespace, user)

    with staged.running(build) as staging:
        async with ConcurrentConnections(staging, USERS).open() as clients:
            for client in clients:
                early = await known(client.user)
                assert not early, f"{early} was written down as ready before it was heard"
            await each(clients, lambda client: client.say(type="connection_ack"))
            async with asyncio.timeout(WAIT_S):
                for client in clients:
                    while await known(client.user) != {client.connection_id}:
                        await asyncio.sleep(0.01)
            clients[0].vanish()
            async with asyncio.timeout(WAIT_S):
                while await known(clients[0].user):
                    await asyncio.sleep(0.01)
        async with asyncio.timeout(WAIT_S):
            for user in USERS:
                while await known(user):
                    await asyncio.sleep(0.01)


@pytest.mark.guards(3, "HTTP 504", server_says=r"no answer of Redis after 0\.5 s; PostgreSQL waits")
async def test_auth_validation_with_redis_delay(
    build: Build, staged: Staged, services: BackingServices
) -> None:
    # The plan's edge gives up after 15 s; here all times are a fifteenth.
    edge = EdgeSettings("plan", {"handshake_timeout_s": "1", "min_instances": "1"})
    async with FaultProxy(services.redis.address) as proxy:
        with staged.running(build, edge=edge, through={"redis": proxy.address}) as staging:
            proxy.apply("slow", parse_fault("latency:delay_ms=600"))
            try:
                client = await ChatClient.ready(staging)
                # What is slow is slow, and nothing is lost.
                assert answer_of(await client.ask("6 * 7")).endswith("6 * 7 = 42.")
                await client.leave()
            finally:
                proxy.lift_all()


@pytest.mark.guards(
    2, "1011|no close frame", server_says="unexpected keyword argument 'websocket_manager'"
)
async def test_websocket_session_persistence(build: Build, staged: Staged) -> None:
    with staged.running(build) as staging:
        token = await staging.token("alice")
        client = await ChatClient.ready(staging, token=token)
        assert answer_of(await client.ask("6 * 7")).endswith("6 * 7 = 42.")
        await client.leave()
        # The instance that knew the session goes; the next one has to have it from Redis.
        await CloudRun(staging).cycle()
        again = await ChatClient.ready(staging, token=token)
        assert answer_of(await again.ask("last + 1")).endswith("last + 1 = 43.")
        await again.say(type="history")
        (history,) = await again.receive_until("history")
        assert [entry["text"] for entry in history["messages"]][:1] == ["6 * 7"]
        await again.leave()


@pytest.mark.guards(
    1, "HTTP 500", server_says='WebSocket is not connected. Need to call "accept" first.'
)
async def test_concurrent_user_isolation(build: Build, staged: Staged) -> None:
    with staged.running(build) as staging:
        users = ConcurrentConnections(staging, USERS)
        async with users.open() as clients:
            answers = await each(
                clients, lambda client: client.ask(f"1000 + {int(client.user[-2:])}")
            )
        for user, events in zip(USERS, answers, strict=True):
            assert answer_of(events).endswith(f"= {1000 + int(user[-2:])}.")
        # All of them come back at once: each to its own state.
        async with users.open() as clients:
            answers = await each(clients, lambda client: client.ask("last * 2"))
        for user, events in zip(USERS, answers, strict=True):
            assert answer_of(events).endswith(f"= {2 * (1000 + int(user[-2:]))}.")
