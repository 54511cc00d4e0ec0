"""The plan's stress family: a client that says more than is answered."""

import pytest

from local_staging.chat_backend.builds import Build
from tests.staging.chat_client import FIVE, ChatClient, types_of
from tests.staging.staged import Staged


@pytest.mark.guards(4, "keepalive ping timeout")
async def test_a_client_that_keeps_talking_while_the_server_works(
    build: Build, staged: Staged
) -> None:
    with staged.running(build, ping_interval_s=0.5, ping_timeout_s=1.5) as staging:
        client = await ChatClient.ready(staging)
        await client.say(type="chat", text="wait 2.5 s")
        for _ in range(40):
            await client.say(type="ping")
        assert types_of(await client.receive_until("agent_completed")) == FIVE
        pongs = [(await client.receive())["type"] for _ in range(40)]
        assert pongs == ["pong"] * 40
        # Whoever goes on for ever is told that it is too much, by a code that says to try later.
        await client.say(type="chat", text="wait 2.5 s")
        for _ in range(60):
            await client.say(type="ping")
        await client.receive_until("agent_completed")
        await client.leave()
