"""Sessions that only work with the server's own ids, under tokens that have expired since.

Three connections, interleaved; recorded by the real proxy; on a server of Node's ws and on local
staging.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import jwt
import pytest
from websockets.asyncio.client import ClientConnection, connect

from capture.clock import unix_time_s
from capture.format.model import Capture, Note
from capture.format.reader import read_capture
from capture.messages import messages
from capture.recording_process import recording
from local_staging.launch import launch
from local_staging.tokens import AUDIENCE, ISSUER
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.oracles.departures import departures
from replay.planning import plan_from_capture
from replay.target import Target
from tests.servers.process import require_node_ws, serving

KEY = "a-key-of-at-least-thirty-two-bytes!"
REPLAYS = 20
TOKEN_LIFETIME_S = 3
FIVE = ["agent_started", "agent_thinking", "tool_executing", "tool_completed", "agent_completed"]


def short_lived(key: str, algorithm: str, **claims: Any) -> dict[str, str]:  # noqa: ANN401
    now_s = unix_time_s()
    claims |= {"iat": now_s, "exp": now_s + TOKEN_LIFETIME_S}
    return {"Authorization": f"Bearer {jwt.encode(claims, key, algorithm=algorithm)}"}


async def heard(client: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(client.recv(), 10))
        if message["type"] == kind:
            return message


@asynccontextmanager
async def connected(url: str, headers: dict[str, str]) -> AsyncIterator[ClientConnection]:
    async with connect(url, additional_headers=headers, proxy=None) as client:
        yield client


async def three_connections(url: str) -> None:
    """Log in, ask and acknowledge; attach by a URL, watch by a header, talk on all three."""
    headers = short_lived(KEY, "HS256", sub="alice")
    async with connected(f"{url}/login", headers) as first:
        session = (await heard(first, "welcome"))["session"]
        query = f"session={session['id']}&access_token={session['token']}"
        async with (
            connected(f"{url}/attach?{query}", headers) as second,
            connected(f"{url}/watch", {**headers, "X-Session": session["id"]}) as third,
        ):
            tickets = {client: str(await client.recv()).split()[1] for client in (second, third)}
            for number in range(3):
                asked = {"type": "ask", "session": session["id"], "text": f"question {number}"}
                await first.send(json.dumps(asked))
                event = await heard(first, "event")
                acknowledged = {"type": "ack", "event": event["id"], "seq": event["seq"]}
                await first.send(json.dumps(acknowledged))
                await heard(first, "acked")
                for client, ticket in tickets.items():
                    await client.send(f"USE {ticket} {number}")
                    await client.recv()
                    await asyncio.sleep(0.01)


def kinds(run: Capture) -> list[str]:
    """What the server said in a run, without what it makes anew."""
    return sorted(
        message.text.split()[0] if message.text[0] != "{" else json.loads(message.text)["type"]
        for message in messages(run.events)
        if message.direction == "server_to_client"
    )


async def test_a_server_of_another_make_hears_its_own_ids_each_time(tmp_path: Path) -> None:
    require_node_ws()
    capture = tmp_path / "session.capture.jsonl"
    with serving("issued_ids.js", env={"KEY": KEY}) as port:
        async with recording(f"ws://127.0.0.1:{port}", capture) as url:
            await three_connections(url)
        await asyncio.sleep(TOKEN_LIFETIME_S)
        recorded = read_capture(capture)
        plan = plan_from_capture(recorded)
        settings = RunSettings(Target(f"ws://127.0.0.1:{port}"), TokenSource(jwt_key=KEY))
        for _ in range(REPLAYS):
            run = await run_live(plan, settings)
            assert departures(run, recorded, plan.connections) == []
            assert kinds(run) == kinds(recorded)
            notes = [e.text for e in run.events if isinstance(e, Note)]
            assert sum("correlated: c1 step" in note for note in notes) == 9
            assert sum("correlated: c2 step 0 url" in note for note in notes) == 2
            assert sum("correlated: c3 step 0 header" in note for note in notes) == 1
            assert not any("stays" in note or "in vain" in note for note in notes)


async def chat(url: str, headers: dict[str, str], text: str, think_s: float) -> None:
    async with connected(f"{url}/ws", headers) as client:
        ready = await heard(client, "connection_ready")
        await asyncio.sleep(think_s)
        named = {"type": "chat", "text": text, "connection_id": ready["connection_id"]}
        await client.send(json.dumps(named))
        run_id = (await heard(client, FIVE[-1]))["run_id"]
        await asyncio.sleep(think_s)
        await client.send(json.dumps({"type": "feedback", "run_id": run_id, "helpful": True}))
        await heard(client, "feedback_received")


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ANN401  a pair
    """Return a recording of three chats on local staging, and the staging."""
    directory = tmp_path_factory.mktemp("staging")
    capture = directory / "chats.capture.jsonl"
    with launch(build="fixed", directory=directory / "services") as staging:
        key = staging.signing_key.read_text()
        audience = {"iss": ISSUER, "aud": AUDIENCE}

        async def record() -> None:
            async with recording(staging.chat_url, capture) as url:
                chats = [
                    chat(url, tokens_of(user, key, audience), f"What is {n} * 7?", 0.02 * n)
                    for n, user in enumerate(("alice", "bob", "carol"), 1)
                ]
                await asyncio.gather(*chats)

        asyncio.run(record())
        yield capture, staging


def tokens_of(user: str, key: str, audience: dict[str, str]) -> dict[str, str]:
    return short_lived(key, "RS256", sub=user, jti=f"test-{user}", **audience)


def test_local_staging_hears_its_own_ids(staged: Any, tmp_path: Path) -> None:  # noqa: ANN401
    capture, staging = staged
    run = tmp_path / "run.capture.jsonl"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "deadheat", "replay", str(capture)),
            *("--target", staging.chat_url, "--jwt-key", str(staging.signing_key)),
            *("--out", str(run)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 values that the server issued were replaced" in done.stdout
    said = [json.loads(m.text) for m in messages(read_capture(run).events)]
    assert not [message for message in said if message["type"] == "error"]
    assert sum(message["type"] == "feedback_received" for message in said) == 3
