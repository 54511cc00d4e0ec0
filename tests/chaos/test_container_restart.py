"""The plan's chaos family: instances are cycled under users who chat."""

import pytest

from local_staging.chat_backend.builds import Build
from tests.staging.chat_client import FIVE, answer_of, types_of
from tests.staging.cloud_run import CloudRun
from tests.staging.concurrent_connections import ConcurrentConnections, each
from tests.staging.staged import Staged

USERS = [f"user-{number:02}" for number in range(1, 9)]


@pytest.mark.guards(
    2, "1011|no close frame", server_says="unexpected keyword argument 'websocket_manager'"
)
async def test_three_restarts_in_a_row(build: Build, staged: Staged) -> None:
    with staged.running(build) as staging:
        cycle = CloudRun(staging).cycle
        async with ConcurrentConnections(staging, USERS).open() as clients:
            await each(clients, lambda client: client.ask("1 + 0"))
        for number in range(1, 4):
            async with ConcurrentConnections(staging, USERS).open(cycle) as clients:
                for events in await each(clients, lambda client: client.ask("last + 1")):
                    assert types_of(events) == FIVE
                    assert answer_of(events).endswith(f"last + 1 = {1 + number}.")
