"""Local staging on real Redis and PostgreSQL: what outlives a connection, and what a process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect

from local_staging.dependencies import Dependencies
from local_staging.launch import Staging, launch
from local_staging.services.backing import BackingServices

WAIT_S = 10.0


@pytest.fixture
def dependencies(services: BackingServices) -> Dependencies:
    return Dependencies(services)


@pytest.fixture
def fixed(dependencies: Dependencies, tmp_path: Path) -> Iterator[Staging]:
    with launch(chat="fixed", dependencies=dependencies, directory=tmp_path / "first") as staging:
        yield staging


async def connected(staging: Staging, user: str = "alice") -> ClientConnection:
    fields = {"user": user, "password": f"{user}-staging-password"}
    async with httpx.AsyncClient(trust_env=False) as http:
        response = await http.post(f"{staging.auth_url}/token", data=fields)
    headers = {"Authorization": f"Bearer {response.json()['access_token']}"}
    return await connect(staging.chat_url, additional_headers=headers, proxy=None)


async def received(client: ClientConnection) -> dict[str, Any]:
    fields = json.loads(await asyncio.wait_for(client.recv(), WAIT_S))
    assert isinstance(fields, dict)
    return fields


async def asked(client: ClientConnection, text: str) -> list[dict[str, Any]]:
    await client.send(json.dumps({"type": "chat", "text": text}))
    events = [await received(client)]
    while events[-1]["type"] not in ("agent_completed", "error"):
        events.append(await received(client))
    return events


async def test_what_was_said_outlives_the_process(
    fixed: Staging, dependencies: Dependencies, tmp_path: Path
) -> None:
    client = await connected(fixed)
    assert (await received(client))["type"] == "connection_ready"
    answer = (await asked(client, "6 * 7"))[-1]["answer"]
    await client.close()
    fixed.stop()
    with launch(chat="fixed", dependencies=dependencies, directory=tmp_path / "second") as again:
        client = await connected(again)
        await received(client)
        await client.send(json.dumps({"type": "history"}))
        assert (await received(client))["messages"] == [
            {"role": "user", "text": "6 * 7"},
            {"role": "agent", "text": answer},
        ]
        assert (await asked(client, "last + 1"))[-1]["answer"].endswith("last + 1 = 43.")
        await client.close()


async def test_events_reach_the_client_though_the_process_ends_in_mid_run(
    fixed: Staging, dependencies: Dependencies, tmp_path: Path
) -> None:
    client = await connected(fixed)
    await received(client)
    await client.send(json.dumps({"type": "chat", "text": "6 * 7"}))
    first = await received(client)
    # SIGTERM, as when an instance is taken away; the run is under way.
    await asyncio.to_thread(fixed.stop)
    heard = [first]
    with launch(chat="fixed", dependencies=dependencies, directory=tmp_path / "second") as again:
        client = await connected(again)
        assert (await received(client))["type"] == "connection_ready"
        await client.send(json.dumps({"type": "connection_ack"}))
        while heard[-1]["type"] != "agent_completed":
            heard.append(await received(client))
        await client.close()
    assert {event["run_id"] for event in heard} == {first["run_id"]}
    types = {event["sequence"]: event["type"] for event in heard}
    assert [types[sequence] for sequence in sorted(types)] == [
        "agent_started",
        "agent_thinking",
        "tool_executing",
        "tool_completed",
        "agent_completed",
    ]


async def test_readiness_names_what_is_away(services: BackingServices, tmp_path: Path) -> None:
    dependencies = Dependencies(services, {"postgres": ("127.0.0.1", 1)})
    with launch(chat="incident", dependencies=dependencies, directory=tmp_path) as staging:
        with pytest.raises(Exception, match="HTTP 503"):
            await connected(staging)
        assert "PostgreSQL: StorageError: PostgreSQL: ConnectionRefusedError" in (
            staging.chat_log.read_text()
        )
        assert services.postgres.url not in staging.chat_log.read_text()


async def test_a_chat_goes_on_while_both_are_away(
    services: BackingServices, tmp_path: Path
) -> None:
    nowhere = {"postgres": ("127.0.0.1", 1), "redis": ("127.0.0.1", 1)}
    with launch(
        chat="fixed", dependencies=Dependencies(services, nowhere), directory=tmp_path
    ) as staging:
        client = await connected(staging)
        await received(client)
        assert (await asked(client, "6 * 7"))[-1]["answer"].endswith("6 * 7 = 42.")
        await client.close()
        assert "1 messages wait to be written" in staging.chat_log.read_text()
