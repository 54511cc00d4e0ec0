"""The plan's section 3.1: a staging as its users meet it, behind Cloud Run's edge."""

from __future__ import annotations

import asyncio

import pytest

from local_staging.chat_backend.builds import Build
from local_staging.edge_settings import EdgeSettings
from local_staging.services.backing import BackingServices
from replay.fault_proxy import Blackhole
from replay.fault_proxy.proxy import FaultProxy
from tests.e2e.gcp_staging.conftest import Running
from tests.staging.chat_client import FIVE, ChatClient, answer_of, types_of
from tests.staging.cloud_run import CloudRun
from tests.staging.staged import Staged
from tests.staging.timing import TimeWindow

PLAN_LIMIT_S = 15.0
# What waits for a client is there when it comes back; what does not come now is lost.
BACK_S = 5.0


@pytest.mark.guards(3, "HTTP 504")
async def test_real_user_websocket_connection_gcp(
    build: Build, local: Staged, services: BackingServices
) -> None:
    edge = EdgeSettings("plan", {"min_instances": "1"})
    async with (
        FaultProxy(services.redis.address) as redis,
        FaultProxy(services.postgres.address) as postgres,
    ):
        through = {"redis": redis.address, "postgres": postgres.address}
        with local.running(build, edge=edge, through=through) as staging:
            for proxy in (redis, postgres):
                proxy.apply("hangs", Blackhole())
            try:
                with TimeWindow("the connection", at_most_ms=PLAN_LIMIT_S * 1e3):
                    client = await ChatClient.ready(staging)
            finally:
                for proxy in (redis, postgres):
                    proxy.lift_all()
            assert answer_of(await client.ask("6 * 7")).endswith("6 * 7 = 42.")
            await client.leave()


@pytest.mark.guards(1, 'WebSocket is not connected. Need to call "accept" first.')
async def test_agent_execution_websocket_events_staging(endpoint: Running) -> None:
    with endpoint() as staging:
        token = await staging.token("alice")
        for text in ("6 * 7", "last + 1", "hello"):
            client = await ChatClient.ready(staging, token=token)
            assert types_of(await client.ask(text)) == FIVE
            await client.leave()


@pytest.mark.guards(2, "unexpected keyword argument 'websocket_manager'")
async def test_connection_recovery_cloud_run(build: Build, local: Staged) -> None:
    with local.running(build) as staging:
        token = await staging.token("alice")
        client = await ChatClient.ready(staging, token=token)
        await client.say(type="chat", text="wait 0.5 s")
        begun = await client.receive_until("agent_started")
        await CloudRun(staging).cycle()
        # The client does what a client does: it comes back at once, with the token it has.
        again = await ChatClient.ready(staging, token=token)
        await again.say(type="connection_ack")
        rest = await again.receive_until("agent_completed", BACK_S)
        while rest[-1]["run_id"] != begun[0]["run_id"]:
            rest += await again.receive_until("agent_completed", BACK_S)
        assert types_of([*begun, *rest]) == FIVE
        await again.leave()


@pytest.mark.guards(4, "keepalive ping timeout")
async def test_heartbeat_behavior_gcp_neg(build: Build, local: Staged) -> None:
    # Two minutes in two seconds: a ping each 0.5 s and 1.5 s for its pong, as 30 s and 90 s.
    with local.running(build, ping_interval_s=0.5, ping_timeout_s=1.5) as staging:
        client = await ChatClient.ready(staging)
        await client.say(type="chat", text="wait 3 s")
        await client.receive_until("agent_started")
        # The client's own heartbeat, while the server works.
        await client.say(type="ping")
        events = await client.receive_until("agent_completed")
        assert [event["type"] for event in events][-1] == "agent_completed"
        await asyncio.sleep(1)
        await client.leave()
