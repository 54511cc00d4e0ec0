"""Sessions that only work with the server's own ids, under tokens that have expired since.

Three connections, interleaved; recorded by the real proxy; on a server of Node's ws, and on local
staging, where the sample is a test by its mark.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
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
from local_staging.launch import Staging, launch
from replay.auth import TokenSource
from replay.engine.live import RunSettings, run_live
from replay.oracles.departures import departures
from replay.planning import plan_from_capture
from replay.pytest_plugin.marked_test import MarkedTest
from replay.target import Target
from tests.servers.process import require_node_ws, serving

KEY = "a-key-of-at-least-thirty-two-bytes!"
REPLAYS = 20
TOKEN_LIFETIME_S = 3
CHATS = Path(__file__).parents[2] / "data/samples/three_chats.capture.jsonl"


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


@pytest.fixture(scope="module")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    with launch(chat="fixed", directory=tmp_path_factory.mktemp("staging")) as staging:
        yield staging


@pytest.fixture(scope="module")
def deadheat_target(staged: Staging) -> str:
    return staged.chat_url


@pytest.fixture(scope="module")
def deadheat_tokens(staged: Staging) -> str:
    return str(staged.signing_key)


def said_in(run: Capture) -> list[str]:
    return sorted(json.loads(message.text)["type"] for message in messages(run.events))


@pytest.mark.deadheat("data/samples/three_chats.capture.jsonl", runs=3)
def test_three_chats(deadheat_replay: MarkedTest) -> None:
    """The mark replays them; local staging says as recorded, and accepts its own ids."""
    # One that was too late, on a busy machine, is made again.
    assert len(deadheat_replay.runs) >= 3
    for run in deadheat_replay.runs:
        assert said_in(run) == said_in(deadheat_replay.recorded)
        assert "error" not in said_in(run)


def test_the_sample_shows_that_its_tokens_are_over() -> None:
    kept = {s.id: s for e in read_capture(CHATS).events for s in getattr(e, "secrets", ())}
    lives = [secret.claims["exp"] for secret in kept.values() if secret.kind == "jwt"]
    assert len(lives) == 3
    assert max(lives) < unix_time_s()


def test_the_command_says_what_it_replaced(staged: Staging, tmp_path: Path) -> None:
    run = tmp_path / "run.capture.jsonl"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "deadheat", "replay", str(CHATS)),
            *("--target", staged.chat_url, "--jwt-key", str(staged.signing_key)),
            *("--out", str(run)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "6 values that the server issued were replaced" in done.stdout
    assert said_in(read_capture(run)) == said_in(read_capture(CHATS))
