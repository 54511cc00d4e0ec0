"""The edge with real instances behind it and a client library of another make before it."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local_staging.edge_settings import EdgeSettings
from local_staging.launch import Staging, launch

WAIT_S = 15.0
ROOMY = {"request_timeout_s": "60", "idle_connection_s": "none", "handshake_timeout_s": "none"}


@contextmanager
def staging(directory: Path, **limits: str) -> Iterator[Staging]:
    settings = EdgeSettings("short", {**ROOMY, **limits})
    with launch(chat="fixed", edge=settings, directory=directory) as running:
        yield running


@pytest.fixture(scope="module")
def roomy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    with staging(tmp_path_factory.mktemp("roomy"), concurrency="50", min_instances="1") as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False, timeout=WAIT_S) as client:
        yield client


async def control(http: httpx.AsyncClient, running: Staging, what: str) -> dict[str, Any]:
    answer = await http.post(f"{running.edge_url}/_edge/{what}")
    assert answer.status_code == 200
    state = answer.json()
    assert isinstance(state, dict)
    return state


async def connected(
    http: httpx.AsyncClient, running: Staging, cookie: str | None = None
) -> ClientConnection:
    fields = {"user": "alice", "password": "alice-staging-password"}
    token = (await http.post(f"{running.auth_url}/token", data=fields)).json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    if cookie is not None:
        headers["Cookie"] = cookie
    client = await connect(running.chat_url, additional_headers=headers, proxy=None)
    assert json.loads(await client.recv())["type"] == "connection_ready"
    return client


async def asked(client: ClientConnection, text: str) -> str:
    await client.send(json.dumps({"type": "chat", "text": text}))
    while True:
        event = json.loads(await asyncio.wait_for(client.recv(), WAIT_S))
        if event["type"] == "agent_completed":
            return str(event["answer"])


async def ending(client: ClientConnection) -> ConnectionClosed:
    try:
        while True:
            await asyncio.wait_for(client.recv(), WAIT_S)
    except ConnectionClosed as ended:
        return ended


async def test_a_chat_goes_through(http: httpx.AsyncClient, roomy: Staging) -> None:
    client = await connected(http, roomy)
    assert await asked(client, "6 * 7") == "The calculator says: 6 * 7 = 42."
    await client.close()
    assert (await http.get(f"{roomy.edge_url}/health")).json()["build"] == "fixed"


async def test_the_request_timeout_ends_a_busy_socket_without_a_close_frame(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    with staging(tmp_path, request_timeout_s="1.2") as running:
        await http.get(f"{running.edge_url}/health")
        began_s = time.perf_counter()
        client = await connected(http, running)

        async def chatter() -> None:
            while True:
                await client.send('{"type":"ping"}')
                await asyncio.sleep(0.05)

        chatting = asyncio.create_task(chatter())
        ended = await ending(client)
        await asyncio.gather(chatting, return_exceptions=True)
        assert ended.rcvd is None
        assert time.perf_counter() - began_s >= 1.2


async def test_a_cold_start_holds_the_upgrade(http: httpx.AsyncClient, tmp_path: Path) -> None:
    with staging(tmp_path, idle_instance_s="0.2") as running:
        log = running.services[-1].spec.log_path
        async with asyncio.timeout(WAIT_S):
            while "instance 1 ended" not in log.read_text():
                await asyncio.sleep(0.02)
        client = await connected(http, running)
        assert "instance 2 listens" in log.read_text()
        await client.close()


async def test_above_the_concurrency_of_all_instances_it_is_429(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    with staging(tmp_path, concurrency="1", max_instances="2", queue_start_ups="0") as running:
        clients = [await connected(http, running) for _ in range(2)]
        with pytest.raises(InvalidStatus) as refused:
            await connected(http, running)
        assert refused.value.response.status_code == 429
        assert b"there was no available instance" in refused.value.response.body
        waiting = asyncio.create_task(connected(http, running))
        await asyncio.sleep(0.1)
        await clients.pop().close()
        clients.append(await waiting)
        for client in clients:
            await client.close()


async def test_cycling_closes_with_1012_and_the_next_connection_is_served(
    http: httpx.AsyncClient, roomy: Staging
) -> None:
    client = await connected(http, roomy)
    await control(http, roomy, "cycle")
    again = await connected(http, roomy)
    ended = await ending(client)
    assert ended.rcvd is not None
    assert ended.rcvd.code == 1012
    assert await asked(again, "1 + 1") == "The calculator says: 1 + 1 = 2."
    await again.close()


@pytest.mark.parametrize("side", ["client", "instance"])
async def test_a_partition_holds_and_loses_nothing(
    http: httpx.AsyncClient, roomy: Staging, side: str
) -> None:
    client = await connected(http, roomy)
    await control(http, roomy, f"partition?side={side}&seconds=0.5")
    began_s = time.perf_counter()
    assert await asked(client, "2 + 2") == "The calculator says: 2 + 2 = 4."
    assert time.perf_counter() - began_s >= 0.45
    await client.close()


async def test_a_handshake_delay(http: httpx.AsyncClient, roomy: Staging) -> None:
    await control(http, roomy, "handshake-delay?seconds=0.3")
    began_s = time.perf_counter()
    client = await connected(http, roomy)
    assert time.perf_counter() - began_s >= 0.3
    await control(http, roomy, "handshake-delay?seconds=0")
    await client.close()


async def test_affinity_leads_back_to_the_same_instance(
    http: httpx.AsyncClient, tmp_path: Path
) -> None:
    with staging(tmp_path, session_affinity="true", concurrency="2", min_instances="2") as running:
        first = await connected(http, running)
        assert first.response is not None
        cookie = first.response.headers["Set-Cookie"].partition(";")[0]
        for _ in range(3):
            again = await connected(http, running, cookie)
            assert again.response is not None
            assert again.response.headers["Set-Cookie"].startswith(cookie)
            await again.close()
        await first.close()


async def test_the_plans_limit_on_handshakes(http: httpx.AsyncClient, tmp_path: Path) -> None:
    with ExitStack() as stack:
        running = stack.enter_context(
            staging(tmp_path, handshake_timeout_s="0.4", min_instances="1")
        )
        await (await connected(http, running)).close()
        await control(http, running, "partition?side=instance&seconds=2")
        with pytest.raises(InvalidStatus) as refused:
            await connected(http, running)
        assert refused.value.response.status_code == 504


async def test_a_client_that_leaves_is_seen_to_leave_by_the_instance(
    http: httpx.AsyncClient, roomy: Staging
) -> None:
    client = await connected(http, roomy)
    left_before = roomy.chat_log.read_text().count("client left")
    client.transport.abort()
    async with asyncio.timeout(WAIT_S):
        while roomy.chat_log.read_text().count("client left") == left_before:
            await asyncio.sleep(0.01)


async def test_what_is_no_http_is_refused(roomy: Staging) -> None:
    port = httpx.URL(str(roomy.edge_url)).port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"hello\r\n\r\n")
    assert b"400" in await reader.read()
    writer.close()


async def test_a_head_that_is_never_whole_is_408(roomy: Staging) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(str(roomy.edge_url)).port)
    writer.write(b"GET /ws HTTP/1.1\r\nHost: chat")
    answer = await asyncio.wait_for(reader.read(), WAIT_S)
    assert answer.startswith(b"HTTP/1.1 408 Request Timeout")
    assert answer.endswith(b"expected a whole head within 1 s")
    writer.close()
