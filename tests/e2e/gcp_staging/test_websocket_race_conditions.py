"""The plan's section 3.1: a staging as its users meet it, behind Cloud Run's edge.

Each test has a user of its own: a real staging is one for all of them.
"""

from __future__ import annotations

import pytest

from local_staging.edge_settings import EdgeSettings
from tests.e2e.gcp_staging.conftest import REAL, Running, cycle, dependencies
from tests.staging.chat_client import FIVE, WAIT_S, ChatClient, types_of
from tests.staging.timing import TimeWindow

PLAN_LIMIT_S = 15.0
# What waits for a client is there when it comes back; what does not come now is lost.
BACK_S = 5.0


@pytest.mark.guards(
    3, "HTTP 504", server_says=r"no answer of PostgreSQL after 0\.5 s; the client waits"
)
async def test_real_user_websocket_connection_gcp(
    endpoint: Running, request: pytest.FixtureRequest
) -> None:
    edge = EdgeSettings("plan", {"min_instances": "1"})
    async with dependencies(request) as services:
        with endpoint(edge=edge, through=services.through) as staging:
            with services.hang(), TimeWindow("the connection", at_most_ms=PLAN_LIMIT_S * 1e3):
                client = await ChatClient.ready(staging, "user-01")
            assert types_of(await client.ask("6 * 7")) == FIVE
            await client.leave()


@pytest.mark.guards(
    1, "HTTP 500", server_says='WebSocket is not connected. Need to call "accept" first.'
)
async def test_agent_execution_websocket_events_staging(endpoint: Running) -> None:
    with endpoint() as staging:
        token = await staging.token("user-02")
        for text in ("6 * 7", "last + 1", "hello"):
            client = await ChatClient.ready(staging, "user-02", token=token)
            assert types_of(await client.ask(text)) == FIVE
            await client.leave()


@pytest.mark.guards(
    2, "1011|no close frame", server_says="unexpected keyword argument 'websocket_manager'"
)
async def test_connection_recovery_cloud_run(endpoint: Running) -> None:
    with endpoint() as staging:
        token = await staging.token("user-03")
        client = await ChatClient.ready(staging, "user-03", token=token)
        await client.say(type="chat", text="wait 0.5 s")
        begun = await client.receive_until("agent_started")
        await cycle(staging)
        # The client does what a client does: it comes back at once, with the token it has.
        again = await ChatClient.ready(staging, "user-03", token=token)
        await again.say(type="connection_ack")
        rest = await again.receive_until("agent_completed", BACK_S)
        while rest[-1]["run_id"] != begun[0]["run_id"]:
            rest += await again.receive_until("agent_completed", BACK_S)
        assert types_of([*begun, *rest]) == FIVE
        await again.leave()


@pytest.mark.guards(4, "keepalive ping timeout")
async def test_heartbeat_behavior_gcp_neg(endpoint: Running) -> None:
    # Two minutes in two seconds: a ping each 0.5 s and 1.5 s for its pong, as 30 s and 90 s. Of a
    # real staging it takes the two minutes.
    busy_s = 3.0 if REAL is None else 130.0
    with endpoint(ping_interval_s=0.5, ping_timeout_s=1.5) as staging:
        client = await ChatClient.ready(staging, "user-04")
        await client.say(type="chat", text=f"wait {busy_s:g} s")
        begun = await client.receive_until("agent_started")
        # The client's own heartbeat, while the server works.
        await client.say(type="ping")
        with TimeWindow("the time in which it was not cut off", at_least_ms=busy_s * 1e3 - 500):
            rest = await client.receive_until("agent_completed", busy_s + WAIT_S)
        told = [event["type"] for event in rest]
        # It was answered while the server worked, and not when it was through.
        assert told.index("pong") < told.index("tool_completed")
        assert types_of([*begun, *(event for event in rest if event["type"] != "pong")]) == FIVE
        # And the connection is as good as new.
        assert types_of(await client.ask("6 * 7")) == FIVE
        await client.leave()
