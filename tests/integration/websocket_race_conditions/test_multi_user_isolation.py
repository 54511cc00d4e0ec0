"""The plan's section 2.2: what is one user's stays one user's, whatever the timing."""

from __future__ import annotations

import asyncio

import pytest

from local_staging.chat_backend.builds import Build
from tests.staging.chat_client import FIVE, ChatClient, answer_of, types_of
from tests.staging.concurrent_connections import ConcurrentConnections, each
from tests.staging.race_events import RaceEvents
from tests.staging.staged import Staged

USERS = [f"user-{number:02}" for number in range(11, 21)]
# What waits for a client is there when it comes back; what does not come now is lost.
BACK_S = 5.0
ACCEPT_RACE = 'WebSocket is not connected. Need to call "accept" first.'


@pytest.mark.guards(1, "HTTP 500", server_says=ACCEPT_RACE)
async def test_connection_id_isolation_under_race(build: Build, staged: Staged) -> None:
    seen: list[str] = []
    with staged.running(build) as staging:
        users = ConcurrentConnections(staging, USERS)
        for _ in range(3):
            async with users.open() as clients:
                seen += [client.connection_id for client in clients]
                # An id is good on its own connection, and on no other.
                for client, other in zip(clients, [*clients[1:], clients[0]], strict=True):
                    stolen = {"type": "chat", "text": "hi", "connection_id": other.connection_id}
                    await client.say(**stolen)
                    assert (await client.receive())["code"] == "wrong_connection"
        assert len(set(seen)) == len(seen) == 3 * len(USERS)


@pytest.mark.guards(5, "TimeoutError", server_says="Failed to send agent_completed")
async def test_message_routing_isolation(build: Build, staged: Staged) -> None:
    with staged.running(build) as staging:
        staying, going = USERS[:5], USERS[5:]
        async with ConcurrentConnections(staging, staying).open() as clients:
            gone = [await ChatClient.ready(staging, user) for user in going]
            asked = [
                asyncio.create_task(client.ask(f"{client.user[-2:]} * 100")) for client in clients
            ]
            for client in gone:
                await client.say(type="chat", text=f"wait 0.3 s, I am {client.user}")
            for client in gone:
                await client.receive()
                client.vanish()
            for client, events in zip(clients, await asyncio.gather(*asked), strict=True):
                assert answer_of(events).endswith(f"= {int(client.user[-2:])}00.")
        await asyncio.sleep(0.8)
        # Whoever was gone has its own answer waiting, and nobody else's.
        async with ConcurrentConnections(staging, going).open() as clients:
            await each(clients, lambda client: client.say(type="connection_ack"))
            for events in await each(
                clients, lambda client: client.receive_until("agent_completed", BACK_S)
            ):
                assert answer_of(events) == "The timer says: 0.3 s are over."


@pytest.mark.guards(1, "HTTP 500", server_says=ACCEPT_RACE)
async def test_state_machine_isolation(build: Build, staged: Staged) -> None:
    events = RaceEvents()
    with staged.running(build) as staging:
        tokens = {user: await staging.token(user) for user in USERS[:3]}

        async def use(user: str, times: int) -> None:
            for _ in range(times):
                client = await ChatClient.ready(staging, user, token=tokens[user], events=events)
                assert types_of(await client.ask("hello")) == FIVE
                await client.leave()

        # Each at its own pace: whatever one is in the middle of, the others go their way.
        times_of = dict(zip(tokens, (1, 2, 4), strict=True))
        await asyncio.gather(*(use(user, times) for user, times in times_of.items()))
        for user, times in times_of.items():
            one = ["asks", "accepted", "connection_ready", "says chat", *FIVE, "left"]
            assert events.of(user) == one * times
