"""The plan's chaos family: an auth service that takes its time."""

import asyncio

import pytest

from local_staging.chat_backend.builds import Build
from local_staging.launch import HOST
from local_staging.services.recipe import port_for
from replay.fault_proxy import Blackhole
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.chat_client import FIVE, ChatClient, types_of
from tests.staging.staged import Staged
from tests.staging.timing import TimeWindow

HANGS_S = 6.4


@pytest.mark.guards(
    3, "HTTP 503", server_says=r"not ready after 6\.\d s: auth service: no answer within 6 s"
)
async def test_the_auth_service_hangs_for_a_while(build: Build, staged: Staged) -> None:
    listen = (HOST, port_for(0))
    with staged.running(build, through={"auth": listen}) as staging:
        auth_port = int(staging.local.auth_url.rpartition(":")[2])
        async with FaultProxy((HOST, auth_port), listen=listen) as auth:
            client = await ChatClient.ready(staging)
            auth.apply("hangs", Blackhole())
            lifting = asyncio.get_running_loop().call_later(HANGS_S, auth.lift_all)
            # Logging in is not what hangs: this token is from before.
            with TimeWindow("a connection while it hangs", at_least_ms=5_000, at_most_ms=15_000):
                other = await ChatClient.ready(staging, "bob")
            lifting.cancel()
            assert types_of(await other.ask("hello")) == FIVE
            # Whoever was there did not feel it.
            assert types_of(await client.ask("hello")) == FIVE
            for leaving in (client, other):
                await leaving.leave()
