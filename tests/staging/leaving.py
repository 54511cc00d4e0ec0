"""A client that is gone when the server wants to tell it that it may begin."""

from __future__ import annotations

import asyncio

from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.chat_client import ChatClient
from tests.staging.endpoint import Endpoint

# How long a round trip to Redis takes, and when the client goes: after the 101, and before the
# incident build has written down that the connection is ready.
REDIS_MS, GOES_S = 60, 0.02
# Until the server knows that it is gone.
KNOWN_S = 0.2


async def leave_at_the_connection_response(
    staging: Endpoint, redis: FaultProxy, user: str, token: str | None = None
) -> None:
    """Connect a user, and be gone before the connection response; `redis` is in front of Redis."""
    bearer = await staging.token(user) if token is None else token
    redis.apply("slow", parse_fault(f"latency:delay_ms={REDIS_MS}"))
    try:
        client = await ChatClient.connected(staging, user, token=bearer)
        await asyncio.sleep(GOES_S)
        client.vanish()
        await asyncio.sleep(KNOWN_S)
    finally:
        redis.lift_all()
