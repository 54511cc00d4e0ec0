"""The plan's chaos family: a network that is slow, and never equally slow."""

import pytest

from local_staging.chat_backend.builds import Build
from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.chat_client import FIVE, ChatClient, types_of
from tests.staging.staged import Staged
from tests.staging.timing import TimeWindow


class Through:
    """A staging whose chat is reached through a proxy."""

    def __init__(self, staging: object, address: tuple[str, int]) -> None:
        self._staging = staging
        self.chat_url = f"ws://{address[0]}:{address[1]}/ws"

    async def token(self, user: str) -> str:
        token = await self._staging.token(user)  # type: ignore[attr-defined]
        assert isinstance(token, str)
        return token


@pytest.mark.guards(
    1, "HTTP 500", server_says='WebSocket is not connected. Need to call "accept" first.'
)
async def test_sessions_over_a_slow_and_uneven_network(build: Build, staged: Staged) -> None:
    with staged.running(build) as staging:
        port = int(staging.chat_url.rpartition(":")[2].partition("/")[0])
        async with FaultProxy(("127.0.0.1", port), seed=7) as network:
            network.apply("slow", parse_fault("latency:delay_ms=30,jitter_ms=20"))
            network.apply("thin", parse_fault("slicer:size_bytes=60"))
            far = Through(staging, network.address)
            token = await far.token("alice")
            for _ in range(3):
                with TimeWindow("a handshake over this network", at_least_ms=20):
                    client = await ChatClient.ready(far, token=token)
                assert types_of(await client.ask("6 * 7")) == FIVE
                await client.leave()
