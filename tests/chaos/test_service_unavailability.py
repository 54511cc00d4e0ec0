"""The plan's chaos family: Redis and PostgreSQL go away, and come back."""

import pytest

from local_staging.chat_backend.builds import Build
from local_staging.services.backing import BackingServices
from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.chat_client import FIVE, WAIT_S, ChatClient, answer_of, types_of
from tests.staging.staged import Staged


@pytest.mark.guards(
    3, "HTTP 503", server_says="connection refused .* not ready .* Redis: .* PostgreSQL: "
)
async def test_both_are_down_for_a_while(
    build: Build, staged: Staged, services: BackingServices
) -> None:
    async with (
        FaultProxy(services.redis.address) as redis,
        FaultProxy(services.postgres.address) as postgres,
    ):
        through = {"redis": redis.address, "postgres": postgres.address}
        with staged.running(build, through=through) as staging:
            client = await ChatClient.ready(staging)
            assert types_of(await client.ask("6 * 7")) == FIVE
            for proxy in (redis, postgres):
                proxy.apply("gone", parse_fault("down"))
            try:
                # Whoever is there chats on, and whoever comes is let in.
                assert answer_of(await client.ask("last + 1")).endswith("last + 1 = 43.")
                other = await ChatClient.ready(staging, "bob")
                assert types_of(await other.ask("hello")) == FIVE
            finally:
                for proxy in (redis, postgres):
                    proxy.lift_all()
            await client.say(type="history")
            (history,) = await client.receive_until("history", WAIT_S)
            said = [entry["text"] for entry in history["messages"] if entry["role"] == "user"]
            assert said == ["6 * 7", "last + 1"]
            for leaving in (client, other):
                await leaving.leave()
