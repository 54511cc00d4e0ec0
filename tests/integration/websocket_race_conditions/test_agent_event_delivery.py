"""The plan's section 2.3: the five events of each run arrive, in order, over any network."""

from __future__ import annotations

import asyncio

import pytest

from local_staging.chat_backend.builds import Build
from local_staging.services.backing import BackingServices
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.chat_client import FIVE, ChatClient, Fields, types_of
from tests.staging.cloud_run import CloudRun
from tests.staging.leaving import leave_at_the_connection_response
from tests.staging.staged import Staged

# What waits for a client is there when it comes back; what does not come now is lost.
BACK_S = 5.0


async def rest_of(client: ChatClient, begun: list[Fields]) -> list[Fields]:
    """Say that we are back, and return a run with what had not come yet."""
    await client.say(type="connection_ack")
    return [*begun, *await client.receive_until("agent_completed", BACK_S)]


@pytest.mark.guards(5, "TimeoutError", server_says="Failed to send connection response")
async def test_agent_events_during_race_conditions(
    build: Build, staged: Staged, services: BackingServices
) -> None:
    """The client vanishes in mid-run, comes back, and is gone at the connection response."""
    async with FaultProxy(services.redis.address) as redis:
        with staged.running(build, through={"redis": redis.address}) as staging:
            client = await ChatClient.ready(staging)
            await client.say(type="chat", text="wait 0.3 s")
            begun = await client.receive_until("agent_thinking")
            client.vanish()
            await asyncio.sleep(1)
            await leave_at_the_connection_response(staging, redis, client.user)
            await asyncio.sleep(0.6)
            again = await ChatClient.ready(staging)
            assert types_of(await rest_of(again, begun)) == FIVE
            await again.leave()


@pytest.mark.guards(5, "TimeoutError", server_says="Failed to send agent_completed")
async def test_event_ordering_during_handshake_delay(build: Build, staged: Staged) -> None:
    with staged.running(build) as staging:
        await CloudRun(staging).delay_handshakes(0.4)
        client = await ChatClient.connected(staging)
        # Before it was told that it may, as an eager client does.
        await client.say(type="chat", text="wait 0.6 s")
        assert (await client.receive())["type"] == "connection_ready"
        begun = await client.receive_until("agent_started")
        client.vanish()
        await asyncio.sleep(0.9)
        again = await ChatClient.ready(staging)
        await again.say(type="connection_ack")
        rest = await again.receive_until("agent_completed", BACK_S)
        sequence = [event["sequence"] for event in rest]
        assert sequence == sorted(sequence)
        assert types_of([*begun, *rest]) == FIVE
        # And the next run comes after it.
        assert types_of(await again.ask("hello")) == FIVE
        await again.leave()


@pytest.mark.guards(5, "TimeoutError", server_says="Failed to send connection response")
async def test_event_delivery_timeout_handling(
    build: Build, staged: Staged, services: BackingServices
) -> None:
    async with FaultProxy(services.redis.address) as redis:
        with staged.running(build, through={"redis": redis.address}) as staging:
            client = await ChatClient.ready(staging)
            await client.say(type="chat", text="wait 0.3 s")
            begun = await client.receive_until("agent_started")
            # First the network holds everything back, then the client is gone for good.
            await CloudRun(staging).part("client", 0.2)
            client.vanish()
            # Longer than a session is kept in the process: the events are elsewhere by now, and
            # are tried on a connection that does not come about.
            await asyncio.sleep(1.5)
            await leave_at_the_connection_response(staging, redis, client.user)
            await asyncio.sleep(0.6)
            again = await ChatClient.ready(staging)
            assert types_of(await rest_of(again, begun)) == FIVE
            await again.leave()
