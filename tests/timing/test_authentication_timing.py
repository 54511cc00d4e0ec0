"""The plan's timing family: authentication takes what the auth service takes, and no more."""

import pytest
from websockets.exceptions import InvalidStatus

from local_staging.chat_backend.builds import Build
from local_staging.launch import HOST
from local_staging.services.recipe import port_for
from replay.fault_proxy import parse_fault
from replay.fault_proxy.proxy import FaultProxy
from tests.staging.chat_client import FIVE, ChatClient, types_of
from tests.staging.staged import Staged
from tests.staging.timing import TimeWindow

PLAN_LIMIT_MS = 15_000


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
            with TimeWindow("authentication", at_least_ms=300, at_most_ms=PLAN_LIMIT_MS):
                client = await ChatClient.ready(staging, token=token)
            assert types_of(await client.ask("hello")) == FIVE
            await client.leave()
            # A token that is none is refused at once, without anybody being asked.
            with (
                TimeWindow("a refusal", at_most_ms=PLAN_LIMIT_MS),
                pytest.raises(InvalidStatus, match="HTTP 403"),
            ):
                await ChatClient.ready(staging, token="not a token")
            auth.lift_all()
