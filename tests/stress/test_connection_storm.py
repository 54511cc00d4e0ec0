"""The plan's stress family: more than fifty connections within one second."""

import pytest

from local_staging.chat_backend.builds import Build
from tests.staging.chat_client import FIVE, answer_of, types_of
from tests.staging.concurrent_connections import ConcurrentConnections, each
from tests.staging.race_events import RaceEvents
from tests.staging.staged import Staged

USERS = [f"user-{number:02}" for number in range(1, 56)]
# Until the last of them has left, on however busy a machine, the session of the first is still on.
GRACE_S = 10.0
MOST_TURNS = 8


@pytest.mark.guards(
    1, "HTTP 500", server_says='WebSocket is not connected. Need to call "accept" first.'
)
async def test_fifty_five_users_connect_at_once_and_come_right_back(
    build: Build, staged: Staged
) -> None:
    with staged.running(build, reconnect_grace_s=GRACE_S) as staging:
        users = ConcurrentConnections(staging, USERS)
        spreads_ms: list[float] = []
        # All at once, and again before the sessions are over; a busy machine gets more turns.
        while len(spreads_ms) < 2 or (min(spreads_ms) >= 1_000 and len(spreads_ms) < MOST_TURNS):
            known = RaceEvents()
            async with users.open(events=known) as clients:
                spreads_ms.append(known.spread_ms("asks"))
                assert len({client.connection_id for client in clients}) == len(USERS)
                asked = "last + 1" if spreads_ms[1:] else "6 * 7"
                for events in await each(clients, lambda client, text=asked: client.ask(text)):
                    assert types_of(events) == FIVE
                    assert answer_of(events).endswith(f"{asked} = {41 + len(spreads_ms)}.")
        assert min(spreads_ms) < 1_000
