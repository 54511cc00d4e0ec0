"""The plan's stress family: the network between client, edge and instance parts for a while."""

import asyncio

import pytest

from local_staging.chat_backend.builds import Build
from tests.staging.chat_client import FIVE, ChatClient, types_of
from tests.staging.cloud_run import CloudRun
from tests.staging.staged import Staged
from tests.staging.timing import TimeWindow

BACK_S = 5.0


@pytest.mark.guards(5, "TimeoutError", server_says="Failed to send agent_completed")
async def test_a_partition_that_heals_and_one_that_the_client_does_not_wait_for(
    build: Build, staged: Staged
) -> None:
    with staged.running(build) as staging:
        client = await ChatClient.ready(staging)
        for side in ("client", "instance"):
            await CloudRun(staging).part(side, 0.4)
            with TimeWindow(f"a run across the {side}'s partition", at_least_ms=350):
                assert types_of(await client.ask("6 * 7")) == FIVE
        await client.say(type="chat", text="wait 0.2 s")
        begun = await client.receive_until("agent_started")
        await CloudRun(staging).part("instance", 0.1)
        client.vanish()
        await asyncio.sleep(1)
        again = await ChatClient.ready(staging)
        await again.say(type="connection_ack")
        rest = await again.receive_until("agent_completed", BACK_S)
        assert types_of([*begun, *rest]) == FIVE
        await again.leave()
