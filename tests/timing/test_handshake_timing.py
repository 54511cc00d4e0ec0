"""The plan's timing family: how long a handshake takes, and in which order its parts come."""

import pytest

from local_staging.chat_backend.builds import Build
from tests.staging.chat_client import ChatClient
from tests.staging.cloud_run import CloudRun
from tests.staging.race_events import RaceEvents
from tests.staging.staged import Staged

PLAN_LIMIT_MS = 15_000


@pytest.mark.guards(1, 'WebSocket is not connected. Need to call "accept" first.')
async def test_handshakes_take_what_the_edge_takes_and_no_more_than_the_plan_allows(
    build: Build, staged: Staged
) -> None:
    with staged.running(build) as staging:
        token = await staging.token("alice")
        for delay_ms in (0, 120, 240):
            await CloudRun(staging).delay_handshakes(delay_ms / 1e3)
            events = RaceEvents()
            client = await ChatClient.ready(staging, token=token, events=events)
            assert events.of("alice") == ["asks", "accepted", "connection_ready"]
            took_ms = events.between_ms("alice", "asks", "accepted")
            assert delay_ms <= took_ms < PLAN_LIMIT_MS
            await client.leave()
