"""Local staging as its users meet it: real processes, real sockets, a client library of its own."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from local_staging.chat_settings import ChatSettings
from local_staging.errors import StagingError
from local_staging.launch import Staging, launch

GRACE_S = 0.5
WAIT_S = 10.0
FIVE = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]
MESSAGE = 'RuntimeError: WebSocket is not connected. Need to call "accept" first.'


@pytest.fixture(scope="module")
def incident(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    chat = ChatSettings("incident", reconnect_grace_s=GRACE_S)
    with launch(chat=chat, directory=tmp_path_factory.mktemp("incident")) as staging:
        yield staging


@pytest.fixture(scope="module")
def fixed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    chat = ChatSettings("fixed", reconnect_grace_s=GRACE_S)
    with launch(chat=chat, directory=tmp_path_factory.mktemp("fixed")) as staging:
        yield staging


@pytest.fixture(params=["incident", "fixed"])
def either(request: pytest.FixtureRequest) -> Staging:
    staging = request.getfixturevalue(request.param)
    assert isinstance(staging, Staging)
    return staging


async def until(what: Callable[[], bool]) -> None:
    """Wait until something is so, for WAIT_S at most."""
    async with asyncio.timeout(WAIT_S):
        while not what():
            await asyncio.sleep(0.01)


async def without_session(staging: Staging, user: str) -> None:
    """Wait until the user has no session: what an earlier connection left is gone."""

    def released() -> bool:
        log = staging.chat_log.read_text()
        return log.count(f"session created user={user}\n") == log.count(
            f"session released user={user}\n"
        )

    await until(released)


def port_of(url: str) -> int:
    port = httpx.URL(url).port
    assert port is not None
    return port


def errors_in(staging: Staging) -> int:
    return staging.chat_log.read_text().count(" ERROR ")


async def logged_in(staging: Staging, user: str) -> str:
    fields = {"user": user, "password": f"{user}-staging-password"}
    async with httpx.AsyncClient(trust_env=False) as http:
        response = await http.post(f"{staging.auth_url}/token", data=fields)
    token = response.json()["access_token"]
    assert isinstance(token, str)
    return token


def connected(staging: Staging, token: str) -> connect:
    headers = {"Authorization": f"Bearer {token}"}
    return connect(staging.chat_url, additional_headers=headers, proxy=None)


async def received(client: ClientConnection) -> dict[str, Any]:
    fields = json.loads(await asyncio.wait_for(client.recv(), WAIT_S))
    assert isinstance(fields, dict)
    return fields


async def conversation(staging: Staging, token: str, text: str = "6 * 7") -> list[dict[str, Any]]:
    """Connect, say one thing, and return everything that came until the agent was through."""
    async with connected(staging, token) as client:
        messages = [await received(client)]
        await client.send(json.dumps({"type": "chat", "text": text}))
        messages += [await received(client) for _ in FIVE]
    return messages


async def status_of_upgrade(staging: Staging, token: str) -> int:
    """Try to connect; 101 is success."""
    try:
        async with connected(staging, token):
            return 101
    except InvalidStatus as error:
        return error.response.status_code


async def test_a_new_key_locks_nobody_out(either: Staging) -> None:
    old = await logged_in(either, "carol")
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.post(f"{either.auth_url}/rotate")).status_code == 200
    new = await logged_in(either, "carol")
    assert jwt.get_unverified_header(old)["kid"] != jwt.get_unverified_header(new)["kid"]
    for token in (new, old):
        assert len(await conversation(either, token)) == 1 + len(FIVE)
        await without_session(either, "carol")


async def test_a_token_that_is_good_once_opens_one_connection(either: Staging) -> None:
    fields = {"user": "carol", "password": "carol-staging-password", "once": "true"}
    async with httpx.AsyncClient(trust_env=False) as http:
        token = (await http.post(f"{either.auth_url}/token", data=fields)).json()["access_token"]
    await conversation(either, token)
    await without_session(either, "carol")
    assert await status_of_upgrade(either, token) == 403


async def test_the_token_as_the_first_message(either: Staging) -> None:
    token = await logged_in(either, "bob")
    async with connect(either.chat_url, proxy=None) as client:
        await client.send(json.dumps({"type": "auth", "token": token}))
        ready = await received(client)
        assert (ready["type"], ready["user_id"]) == ("connection_ready", "bob")
        await client.send(json.dumps({"type": "chat", "text": "6 * 7"}))
        assert [(await received(client))["type"] for _ in FIVE] == FIVE
    assert token not in either.chat_log.read_text()


@pytest.mark.parametrize("first", ['{"type": "auth", "token": "eyJ.eyJ.x"}', "hello", b"hello"])
async def test_a_first_message_that_is_no_token(either: Staging, first: str | bytes) -> None:
    async with connect(either.chat_url, proxy=None) as client:
        await client.send(first)
        with pytest.raises(ConnectionClosed) as ended:
            await received(client)
        assert ended.value.rcvd is not None
        assert ended.value.rcvd.code == 1008
    assert "Traceback" not in either.chat_log.read_text()


async def test_five_events_in_order(either: Staging) -> None:
    await without_session(either, "alice")
    ready, *events = await conversation(either, await logged_in(either, "alice"), "What is 6 * 7?")
    assert (ready["type"], ready["user_id"]) == ("connection_ready", "alice")
    assert [event["type"] for event in events] == FIVE
    assert [event["sequence"] for event in events] == [1, 2, 3, 4, 5]
    assert events[-1]["answer"] == "The calculator says: 6 * 7 = 42."


async def test_ids_of_the_server_are_known_to_it_and_others_are_not(either: Staging) -> None:
    await without_session(either, "carol")
    async with connected(either, await logged_in(either, "carol")) as client:
        ready = await received(client)
        said = {"type": "chat", "text": "6 * 7", "connection_id": ready["connection_id"]}
        await client.send(json.dumps(said))
        run_id = [await received(client) for _ in FIVE][-1]["run_id"]
        await client.send(json.dumps({"type": "feedback", "run_id": run_id, "helpful": True}))
        assert (await received(client))["type"] == "feedback_received"
        await client.send(json.dumps({"type": "feedback", "run_id": "other", "helpful": True}))
        assert (await received(client))["code"] == "unknown_run"
        await client.send(json.dumps({**said, "connection_id": "other"}))
        assert (await received(client))["code"] == "wrong_connection"


async def test_incident_fails_a_reconnect_within_the_grace(incident: Staging) -> None:
    token = await logged_in(incident, "alice")
    await without_session(incident, "alice")
    before = incident.chat_log.read_text().count(MESSAGE)
    await conversation(incident, token)
    assert await status_of_upgrade(incident, token) == 500
    log = incident.chat_log.read_text()
    assert log.count(MESSAGE) == before + 1
    assert "Traceback (most recent call last)" in log
    assert "in receive_text" in log


async def test_incident_serves_a_reconnect_after_the_grace(incident: Staging) -> None:
    token = await logged_in(incident, "bob")
    for _ in range(2):
        await without_session(incident, "bob")
        assert len(await conversation(incident, token)) == 6


async def test_incident_heals_though_the_client_keeps_trying(incident: Staging) -> None:
    token = await logged_in(incident, "carol")
    await without_session(incident, "carol")
    await conversation(incident, token)
    assert await status_of_upgrade(incident, token) == 500
    status = 500
    async with asyncio.timeout(WAIT_S):
        while status == 500:
            # Always sooner than the grace: failures must not prolong the session.
            await asyncio.sleep(GRACE_S / 5)
            status = await status_of_upgrade(incident, token)
    assert status == 101


async def test_incident_leaves_other_users_alone(incident: Staging) -> None:
    tokens = [await logged_in(incident, user) for user in ("alice", "bob")]
    for user in ("alice", "bob"):
        await without_session(incident, user)
    conversations = [conversation(incident, token) for token in tokens]
    assert [len(messages) for messages in await asyncio.gather(*conversations)] == [6, 6]


async def test_fixed_serves_a_reconnect_at_once(fixed: Staging) -> None:
    token = await logged_in(fixed, "alice")
    before = errors_in(fixed)
    for _ in range(5):
        assert len(await conversation(fixed, token)) == 6
    assert errors_in(fixed) == before


async def test_refuses_wrong_tokens(either: Staging) -> None:
    good = await logged_in(either, "bob")
    claims = jwt.decode(good, options={"verify_signature": False})
    expired = jwt.encode({**claims, "exp": 1}, either.signing_key.read_bytes(), algorithm="RS256")
    unsigned = jwt.encode(claims, None, algorithm="none")
    for token in ("x", expired, unsigned):
        assert await status_of_upgrade(either, token) == 403


async def test_refuses_a_revoked_token(fixed: Staging) -> None:
    token = await logged_in(fixed, "bob")
    assert len(await conversation(fixed, token)) == 6
    async with httpx.AsyncClient(trust_env=False) as http:
        await http.post(f"{fixed.auth_url}/revoke", data={"token": token})
    assert await status_of_upgrade(fixed, token) == 403


async def test_accepts_a_token_minted_with_the_signing_key(fixed: Staging) -> None:
    claims = jwt.decode(await logged_in(fixed, "carol"), options={"verify_signature": False})
    key = fixed.signing_key.read_bytes()
    minted = jwt.encode({**claims, "jti": "minted"}, key, algorithm="RS256")
    async with connect(fixed.chat_url, subprotocols=["bearer", minted], proxy=None) as client:  # type: ignore[list-item]
        assert client.subprotocol == "bearer"
        assert (await received(client))["user_id"] == "carol"


async def test_client_that_leaves_in_mid_run_is_no_error(fixed: Staging) -> None:
    token = await logged_in(fixed, "carol")
    await without_session(fixed, "carol")
    before = errors_in(fixed)
    async with connected(fixed, token) as client:
        await received(client)
        await client.send(json.dumps({"type": "chat", "text": "hello"}))
        assert (await received(client))["type"] == "agent_started"
        client.transport.abort()
    await without_session(fixed, "carol")
    assert errors_in(fixed) == before


async def test_clients_that_leave_in_mid_handshake_are_no_error(fixed: Staging) -> None:
    token = await logged_in(fixed, "alice")
    before = errors_in(fixed)
    upgrade = (
        "GET /ws HTTP/1.1\r\nHost: staging\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {token}\r\n\r\n"
    ).encode()
    for number in range(100):
        with socket.create_connection(("127.0.0.1", port_of(fixed.chat_url))) as client:
            client.sendall(upgrade)
            await asyncio.sleep(number * 0.000_05)
    await without_session(fixed, "alice")
    assert errors_in(fixed) == before


async def test_no_token_is_logged(either: Staging) -> None:
    token = await logged_in(either, "bob")
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(f"{either.chat_health_url}?token={token}")).status_code == 200
    # Not where a token is looked for: what is waited for is a first message.
    async with connect(f"{either.chat_url}?token={token}", proxy=None) as client:
        await client.send(token)
        with pytest.raises(ConnectionClosed):
            await received(client)
    assert await status_of_upgrade(either, "eyJ.eyJ.x") == 403
    for log in (either.chat_log, either.auth_log):
        assert "eyJ" not in log.read_text()


def alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True


async def test_a_client_at_the_door_is_let_in_before_it_closes(tmp_path: Path) -> None:
    with launch(chat="fixed", directory=tmp_path) as staging:
        token = await logged_in(staging, "alice")
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.post(f"{staging.auth_url}/delay", data={"seconds": "0.4"})
        arriving = asyncio.ensure_future(connected(staging, token).__aenter__())
        await until(lambda: "session created" in staging.chat_log.read_text())
        staging.services[-1].terminate()
        client = await arriving
        assert (await received(client))["type"] == "connection_ready"
        with pytest.raises(ConnectionClosed) as closed:
            await received(client)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


def test_stop_leaves_no_process_and_frees_the_port(tmp_path: Path) -> None:
    first = launch(directory=tmp_path)
    assert [alive(process_id) for process_id in first.process_ids] == [True] * 3
    first.stop()
    first.stop()
    assert [alive(process_id) for process_id in first.process_ids] == [False] * 3
    with launch(directory=tmp_path, chat_port=port_of(first.chat_url)) as second:
        assert second.chat_url == first.chat_url


async def test_services_end_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = textwrap.dedent("""
        import sys
        from pathlib import Path
        from local_staging.launch import launch
        staging = launch(directory=Path(sys.argv[1]))
        print(*staging.process_ids, flush=True)
        sys.stdin.read()
    """)
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        started = [int(text) for text in parent.stdout.readline().split()]
        assert [alive(process_id) for process_id in started] == [True] * 3
        parent.send_signal(signal.SIGKILL)
    await until(lambda: not any(alive(process_id) for process_id in started))


def test_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(StagingError, match=rf"{port}.*choose another port, or 0"):
            launch(directory=tmp_path, auth_port=port)
