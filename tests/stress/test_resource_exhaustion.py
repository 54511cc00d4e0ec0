"""The plan's stress family: a client that says more than is answered."""

import pytest
from websockets.exceptions import ConnectionClosed

from local_staging.chat_backend.builds import Build
from local_staging.chat_backend.reading import MOST_UNREAD
from tests.staging.chat_client import FIVE, ChatClient, types_of
from tests.staging.staged import Staged


async def say_too_much(client: ChatClient) -> None:
    """Say more than is kept, and listen until the end."""
    for _ in range(MOST_UNREAD + 50):
        await client.say(type="history")
    while True:
        await client.receive()


@pytest.mark.guards(4, "keepalive ping timeout")
async def test_a_client_that_keeps_talking_while_the_server_works(
    build: Build, staged: Staged
) -> None:
    with staged.running(build, ping_interval_s=0.5, ping_timeout_s=1.5) as staging:
        client = await ChatClient.ready(staging)
        await client.say(type="chat", text="wait 2.5 s")
        for _ in range(40):
            await client.say(type="ping")
        heard = [message["type"] for message in await client.receive_until("agent_completed")]
        assert tuple(kind for kind in heard if kind != "pong") == FIVE
        # Who asks whether the server is there hears it while the agent works.
        assert heard[: heard.index("tool_completed")].count("pong") == 40
        # What takes its turn is answered in its turn.
        await client.say(type="chat", text="wait 2.5 s")
        for _ in range(60):
            await client.say(type="history")
        await client.receive_until("agent_completed")
        assert [(await client.receive())["type"] for _ in range(60)] == ["history"] * 60
        # More than is kept for anybody: this one is asked to come again later, and is let in then.
        await client.say(type="chat", text="wait 2.5 s")
        with pytest.raises(ConnectionClosed, match=f"1013 .*{MOST_UNREAD} messages wait"):
            await say_too_much(client)
        again = await ChatClient.ready(staging)
        await again.say(type="connection_ack")
        assert types_of(await again.receive_until("agent_completed")) == FIVE
        await again.leave()
