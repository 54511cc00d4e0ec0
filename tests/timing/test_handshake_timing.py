"""The plan's timing family: how long a handshake takes, and in which order its parts come."""

import pytest

from local_staging.chat_backend.builds import Build
from tests.staging.chat_client import ChatClient
from tests.staging.cloud_run import CloudRun
from tests.staging.race_events import RaceEvents
from tests.staging.staged import Staged
from tests.staging.timing import shortest_ms

PLAN_LIMIT_MS = 15_000
# What the product itself may take for a handshake, be the edge as slow as it is.
OWN_MS = 50


@pytest.mark.guards(
    1, "HTTP 500", server_says='WebSocket is not connected. Need to call "accept" first.'
)
async def test_handshakes_take_what_the_edge_takes_and_no_more_than_the_plan_allows(
    build: Build, staged: Staged
) -> None:
    with staged.running(build) as staging:
        token = await staging.token("alice")

        async def handshake_ms() -> float:
            events = RaceEvents()
            client = await ChatClient.ready(staging, token=token, events=events)
            assert events.of("alice") == ["asks", "accepted", "connection_ready"]
            await client.leave()
            took_ms = events.between_ms("alice", "asks", "accepted")
            assert delay_ms <= took_ms < PLAN_LIMIT_MS
            return took_ms

        for delay_ms in (0, 120, 240):
            await CloudRun(staging).delay_handshakes(delay_ms / 1e3)
            limit_ms = delay_ms + OWN_MS
            assert await shortest_ms(handshake_ms, limit_ms) < limit_ms
