"""The plan's timing family: authentication takes what the auth service takes, and no more."""

import asyncio

import pytest
from websockets.exceptions import InvalidStatus

from local_staging.chat_backend.builds import Build
from local_staging.launch import HOST
from local_staging.services.recipe import port_for
from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.chat_client import FIVE, ChatClient, types_of
from tests.staging.staged import Staged
from tests.staging.timing import TimeWindow, shortest_ms

PLAN_LIMIT_MS = 15_000
# What the product itself may take beside what the auth service takes.
OWN_MS = 100


@pytest.mark.guards_nothing("both builds ask the auth service in the same way")
async def test_authentication_takes_what_the_auth_service_takes(
    build: Build, staged: Staged
) -> None:
    listen = (HOST, port_for(0))
    with staged.running(build, through={"auth": listen}) as staging:
        auth_port = int(staging.local.auth_url.rpartition(":")[2])
        async with FaultProxy((HOST, auth_port), listen=listen) as auth:
            token = await staging.token("alice")
            await (await ChatClient.ready(staging, "bob")).leave()
            auth.apply("slow", parse_fault("latency:delay_ms=150,direction=server_to_client"))

            # Asked twice: whether it is there, and whether the token is still good.
            async def authentication_ms() -> float:
                with TimeWindow("authentication", 300, PLAN_LIMIT_MS) as window:
                    client = await ChatClient.ready(staging, token=token)
                assert types_of(await client.ask("hello")) == FIVE
                await client.leave()
                # On `incident`, not before the session is over: that would be root cause 1.
                await asyncio.sleep(0.6)
                return window.took_ms

            async def refusal_ms() -> float:
                with TimeWindow("a refusal", at_most_ms=PLAN_LIMIT_MS) as window:
                    with pytest.raises(InvalidStatus, match="HTTP 403"):
                        await ChatClient.ready(staging, token="not a token")
                return window.took_ms

            assert await shortest_ms(authentication_ms, 300 + OWN_MS) < 300 + OWN_MS
            # A token that is none is refused at once, without anybody being asked.
            assert await shortest_ms(refusal_ms, OWN_MS) < OWN_MS
            auth.lift_all()
