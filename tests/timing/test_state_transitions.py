"""The plan's timing family: a connection is ready when it was heard, not a millisecond before."""

import asyncio

import pytest
from redis.asyncio import Redis

from local_staging.chat_backend.builds import Build
from local_staging.clock import unix_time_us
from local_staging.services.backing import BackingServices
from tests.staging.chat_client import WAIT_S, ChatClient
from tests.staging.staged import Staged


@pytest.mark.guards(5, "was written down as ready .* before it spoke")
async def test_ready_is_written_down_after_the_client_spoke(
    build: Build, staged: Staged, services: BackingServices
) -> None:
    key = f"{staged.namespace}:connections:alice"
    async with Redis.from_url(services.redis.url, decode_responses=True) as redis:
        with staged.running(build) as staging:
            client = await ChatClient.ready(staging)
            await asyncio.sleep(0.05)
            spoke_us = unix_time_us()
            await client.say(type="ping")
            assert (await client.receive())["type"] == "pong"
            async with asyncio.timeout(WAIT_S):
                while not (ready := await redis.hget(key, client.connection_id)):
                    await asyncio.sleep(0.005)
            early_ms = (spoke_us - int(ready)) / 1e3
            assert early_ms < 0, f"it was written down as ready {early_ms:.0f} ms before it spoke"
            await client.leave()
            async with asyncio.timeout(WAIT_S):
                while await redis.hgetall(key):
                    await asyncio.sleep(0.005)
