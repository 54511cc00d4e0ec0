"""The plan's section 3.2: many users at once, and at the limits."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest
from websockets.exceptions import InvalidStatus

from local_staging.chat_backend.builds import Build
from local_staging.edge_settings import EdgeSettings
from tests.e2e.gcp_staging.conftest import REAL, Running, cycle
from tests.staging.chat_client import FIVE, ChatClient, Fields, answer_of, types_of
from tests.staging.concurrent_connections import ConcurrentConnections, each
from tests.staging.staged import Staged

USERS = [f"user-{number:02}" for number in range(21, 33)]
# What waits for a client is there when it comes back; what does not come now is lost.
BACK_S = 5.0


@pytest.mark.guards(
    2, "1011|no close frame", server_says="unexpected keyword argument 'websocket_manager'"
)
async def test_10_simultaneous_users_staging(endpoint: Running) -> None:
    with endpoint() as staging:
        # All of them come at the moment at which the instance is a new one, where that can be had.
        is_new = REAL is None or REAL.cycle_command is not None
        before = partial(cycle, staging) if is_new else None
        async with ConcurrentConnections(staging, USERS).open(before) as clients:
            for events in await each(clients, lambda client: client.ask("6 * 7")):
                assert types_of(events) == FIVE
                if REAL is None:
                    assert answer_of(events).endswith("6 * 7 = 42.")


@pytest.mark.guards(
    1, "HTTP 500", server_says='WebSocket is not connected. Need to call "accept" first.'
)
async def test_rapid_connect_disconnect_staging(endpoint: Running) -> None:
    with endpoint() as staging:
        token = await staging.token("user-05")
        for number in range(12):
            client = await ChatClient.ready(staging, "user-05", token=token)
            if number % 3:
                await client.leave()
            else:
                client.vanish()
        client = await ChatClient.ready(staging, "user-05", token=token)
        assert types_of(await client.ask("6 * 7")) == FIVE
        await client.leave()


@pytest.mark.guards(5, "TimeoutError", server_says="Failed to send agent_completed")
async def test_message_burst_during_handshake(endpoint: Running) -> None:
    asked = [f"{number} * 1000" for number in range(1, 6)]
    with endpoint() as staging:
        token = await staging.token("user-06")
        client = await ChatClient.connected(staging, "user-06", token=token)
        for text in asked:
            await client.say(type="chat", text=text)
        assert (await client.receive())["type"] == "connection_ready"
        heard: list[Fields] = await client.receive_until("agent_started")
        # Gone before most of it was answered. It comes back when that is done.
        client.vanish()
        await asyncio.sleep(1.5)
        again = await ChatClient.ready(staging, "user-06", token=token)
        await again.say(type="connection_ack")
        while len({event["run_id"] for event in heard if event["sequence"] == 5}) < len(asked):
            heard.append(await again.receive(BACK_S))
        runs: dict[str, list[Fields]] = {}
        for event in heard:
            runs.setdefault(event["run_id"], []).append(event)
        assert [types_of(events) for events in runs.values()] == [FIVE] * len(asked)
        if REAL is None:
            last = [max(events, key=lambda e: e["sequence"]) for events in runs.values()]
            said = [event["answer"] for event in last]
            assert said == [f"The calculator says: {n} * 1000 = {n}000." for n in range(1, 6)]
        await again.leave()


@pytest.mark.guards_nothing("the limits are the edge's, and both builds live with them")
async def test_staging_infrastructure_limits(build: Build, local: Staged) -> None:
    edge = EdgeSettings(
        "cloud-run",
        {
            "concurrency": "4",
            "min_instances": "1",
            "max_instances": "1",
            "queue_floor_s": "0.3",
            "queue_start_ups": "0",
        },
    )
    with local.running(build, edge=edge) as staging:
        async with ConcurrentConnections(staging, USERS[:4]).open() as clients:
            for user in USERS[4:7]:
                with pytest.raises(InvalidStatus) as refused:
                    await ChatClient.ready(staging, user)
                response = refused.value.response
                assert response.status_code == 429
                assert b"there was no available instance" in (response.body or b"")
            # Those who are in do not feel it.
            for events in await each(clients, lambda client: client.ask("6 * 7")):
                assert types_of(events) == FIVE
        client = await ChatClient.ready(staging, USERS[4])
        assert types_of(await client.ask("hello")) == FIVE
        await client.leave()
