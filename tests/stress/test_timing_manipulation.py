"""The plan's stress family: delays that open a window on purpose."""

import pytest

from local_staging.chat_backend.builds import Build
from local_staging.services.backing import BackingServices
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.chat_client import FIVE, ChatClient, types_of
from tests.staging.leaving import leave_at_the_connection_response
from tests.staging.staged import Staged, complaints


@pytest.mark.guards(5, "Failed to send connection response")
async def test_clients_that_leave_right_after_the_101(
    build: Build, staged: Staged, services: BackingServices
) -> None:
    async with FaultProxy(services.redis.address) as redis:
        with staged.running(build, through={"redis": redis.address}) as staging:
            # Each as a user of its own: none of them comes back to a session.
            for user in ("alice", "carol", "user-01"):
                await leave_at_the_connection_response(staging, redis, user)
            again = await ChatClient.ready(staging, "bob")
            assert types_of(await again.ask("hello")) == FIVE
            await again.leave()
            lost = complaints(staging.local, "WARNING")
            assert not lost, "\n".join(lost)
