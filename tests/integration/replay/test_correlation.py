"""Sessions that only work with the server's own values, recorded by the real proxy and replayed."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve

from capture.format.model import Capture, Direction, Frame, Note, Secret, UpgradeRequest
from capture.format.reader import read_capture
from capture.message_kind import message_kind
from capture.messages import messages
from capture.recording_process import recording
from replay.auth import TokenSource
from replay.correlation import Correlation, Link, Sink, Source, made_in
from replay.engine.live import RunSettings, run_live
from replay.events import After, Kind
from replay.hunt import HuntRequest, HuntSettings, hunt
from replay.plan import Pace, Plan
from replay.plan_file import PlanFile
from replay.planning import plan_from_capture
from replay.target import Target
from tests.integration.replay.sessions import sent
from tests.servers.process import require_node_ws, serving
from tests.unit.replay.captures import Connection, capture_of

REPLAYS = 20
WRONG = 4003


async def heard(client: ClientConnection, kind: str) -> dict[str, Any]:
    while True:
        message: dict[str, Any] = json.loads(await asyncio.wait_for(client.recv(), 10))
        if message["type"] == kind:
            return message


async def own_ids(url: str) -> None:
    """Ask and acknowledge; open a feed with the session; watch it with its cookie."""
    async with connect(url, proxy=None) as main:
        session = (await heard(main, "welcome"))["session"]
        async with connect(f"{url}/feed?session={session}", proxy=None) as feed:
            assert feed.response is not None
            cookie = feed.response.headers["Set-Cookie"].partition(";")[0]
            headers = {"X-Session": session, "Cookie": f"theme=dark; {cookie}"}
            async with connect(f"{url}/watch", additional_headers=headers, proxy=None) as watch:
                ticket = str(await watch.recv()).split()[1]
                for number in range(3):
                    ask = {"type": "ask", "session": session, "text": f"question {number}"}
                    await main.send(json.dumps(ask))
                    answer = await heard(main, "answer")
                    ack = {"type": "ack", "session": session, "id": answer["id"]}
                    await main.send(json.dumps(ack | {"ack": answer["seq"]}))
                    await heard(main, "acked")
                    item = await heard(feed, "item")
                    await feed.send(json.dumps({"type": "next", "offset": item["offset"]}))
                    await watch.send(f"USE {ticket} {number}")
                    await watch.recv()
                    await asyncio.sleep(0.02)


async def recorded_at(port: int, path: Path, session: Callable[[str], Awaitable[None]]) -> Capture:
    async with recording(f"ws://127.0.0.1:{port}", path) as url:
        await session(url)
    return read_capture(path)


async def run_of(plan: Plan, port: int, patience_s: float = 5.0) -> Capture:
    target = Target(f"ws://127.0.0.1:{port}")
    return await run_live(plan, RunSettings(target, TokenSource(), patience_s))


def complaints(run: Capture) -> list[str]:
    """What went wrong in a run: closes that are no goodbye, and steps that waited in vain."""
    closes = [
        f"{e.connection} {e.close_code} {e.close_reason}"
        for e in run.events
        if isinstance(e, Frame) and e.opcode == "close" and e.close_code != 1000
    ]
    return closes + [t for t in notes(run) if "in vain" in t or "not sent" in t or "ended" in t]


def notes(run: Capture) -> list[str]:
    return [event.text for event in run.events if isinstance(event, Note)]


def answers(run: Capture) -> list[str]:
    """What the server answered, in order on each connection, without what it makes anew."""
    return sorted(
        f"{m.connection} {message_kind(m)}"
        for m in messages(run.events)
        if m.direction == "server_to_client" and '"tick"' not in m.text
    )


async def test_a_session_that_needs_the_servers_own_values_replays_each_time(
    tmp_path: Path,
) -> None:
    require_node_ws()
    with serving("own_ids.js") as port:
        recorded = await recorded_at(port, tmp_path / "s.capture.jsonl", own_ids)
        assert complaints(recorded) == []
        plan = plan_from_capture(recorded)
        assert sum(sink.connection == "c1" for _, sink in plan.correlation) == 12
        for _ in range(REPLAYS):
            run = await run_of(plan, port)
            assert complaints(run) == []
            assert answers(run) == answers(recorded)
            made = made_in(notes(run))
            # A number may by chance be the recorded one.
            assert len([what for what, _ in made if what.startswith("c1 ")]) >= 9
            assert [what for what, _ in made if " step 0 " in what] == [
                "c2 step 0 url: query session",
                "c3 step 0 header x-session: word 1",
                "c3 step 0 header cookie: cookie feed",
            ]


async def test_every_pace_waits_for_the_values_it_needs(tmp_path: Path) -> None:
    require_node_ws()
    with serving("own_ids.js") as port:
        recorded = await recorded_at(port, tmp_path / "s.capture.jsonl", own_ids)
        for pace in Pace:
            run = await run_of(plan_from_capture(recorded, pace), port)
            assert not any("wrong" in each or "unknown" in each for each in complaints(run))


async def test_without_its_links_the_session_fails(tmp_path: Path) -> None:
    require_node_ws()
    with serving("own_ids.js") as port:
        recorded = await recorded_at(port, tmp_path / "s.capture.jsonl", own_ids)
        plan = PlanFile(correlation=Correlation()).amended(plan_from_capture(recorded))
        assert any("wrong session" in each for each in complaints(await run_of(plan, port)))


async def test_a_cookie_that_the_server_issued_stays_out_of_the_record(tmp_path: Path) -> None:
    require_node_ws()
    with serving("own_ids.js") as port:
        recorded = await recorded_at(port, tmp_path / "s.capture.jsonl", own_ids)
        target = Target(f"ws://127.0.0.1:{port}")
        out = tmp_path / "run.capture.jsonl"
        await run_live(plan_from_capture(recorded), RunSettings(target, TokenSource()), out)
        for path in (tmp_path / "s.capture.jsonl", out):
            asked = [e for e in read_capture(path).events if isinstance(e, UpgradeRequest)][-1]
            cookie = dict((name.lower(), value) for name, value in asked.headers)["cookie"]
            assert re.fullmatch(
                r"theme=\{\{deadheat:cookie:s\d+\}\}; feed=\{\{deadheat:cookie:s\d+\}\}|"
                r"feed=\{\{deadheat:cookie:s\d+\}\}",
                cookie,
            )
            assert not re.search("feed=[0-9a-f]{24}", path.read_text())


async def words(url: str) -> None:
    async with connect(url, proxy=None) as first:
        await first.send("HELLO")
        session = str(await first.recv()).split()[1]
        async with connect(url, proxy=None) as second:
            await second.send(f"RESUME {session}")
            count = str(await second.recv()).partition("SEQ=")[2]
            for _ in range(4):
                await second.send(f"NEXT ACK={count}")
                count = str(await second.recv()).partition("SEQ=")[2]


async def test_a_protocol_of_words(tmp_path: Path) -> None:
    with serving("words_server.py") as port:
        recorded = await recorded_at(port, tmp_path / "s.capture.jsonl", words)
        plan = plan_from_capture(recorded)
        for _ in range(5):
            run = await run_of(plan, port)
            assert complaints(run) == []
            assert answers(run) == answers(recorded)


async def chatter(url: str) -> None:
    async with connect(url, proxy=None) as client:
        for number in range(3):
            await client.send(
                json.dumps({"id": 40 + number, "text": f"my own words 12345{number}"})
            )
            await client.recv()


async def test_where_the_server_issues_nothing_every_byte_stays(tmp_path: Path) -> None:
    with serving("words_server.py", "plain") as port:
        recorded = await recorded_at(port, tmp_path / "s.capture.jsonl", chatter)
        plan = plan_from_capture(recorded)
        assert plan.correlation == Correlation()
        run = await run_of(plan, port)
    assert made_in(notes(run)) == []
    before = [m.payload for m in messages(recorded.events) if m.direction == "client_to_server"]
    assert [frame.payload for frame in sent(run)] == before


C1, C2 = Connection("c1"), Connection("c2")
NEVER_SAID = capture_of(
    C1.opened(0),
    C1.sent(5, "HELLO"),
    C1.said(7, "GREETING"),
    C2.opened(20),
    C2.sent(30, "HELLO"),
    C2.left(60),
    C1.left(80),
)


@pytest.mark.parametrize("part", ["url", "payload"])
async def test_a_step_whose_value_never_comes_is_dropped_and_the_run_ends(part: str) -> None:
    source = Source(After(Kind.MESSAGE, "c1", 1, "GREETING"), "word 1")
    sink = Sink("c2", 0, "url", "path 1") if part == "url" else Sink("c2", 1, part, "word 1")
    plan_file = PlanFile(correlation=Correlation((Link(source, (sink,)),)))
    plan = plan_file.amended(plan_from_capture(NEVER_SAID))
    with serving("words_server.py") as port:
        async with asyncio.timeout(20):
            run = await run_of(plan, port, patience_s=0.3)
    assert any("c2 step" in note and "was dropped" in note for note in notes(run))
    assert "HELLO" not in [frame.text for frame in sent(run, "c2")]


async def test_a_hunt_in_such_a_session_has_a_sound_baseline(tmp_path: Path) -> None:
    require_node_ws()
    with serving("own_ids.js") as port:
        await recorded_at(port, tmp_path / "s.capture.jsonl", own_ids)
        request = HuntRequest(
            capture=tmp_path / "s.capture.jsonl",
            target=Target(f"ws://127.0.0.1:{port}"),
            tokens=TokenSource(),
            directory=tmp_path / "hunt",
            settings=HuntSettings(budget=24),
        )
        trials = []
        result = await hunt(request, trials.append)
    assert str(result.answer) == "not reproduced", result
    assert not any("not go as recorded" in reason for reason in result.reasons)
    for trial in trials:
        assert not any(f"{WRONG}" in each for each in complaints(trial.run))


async def test_a_placeholder_is_never_sent(tmp_path: Path) -> None:
    """A secret that the server issues anew did not come: what echoes it stays unsent."""
    said: list[str] = []

    async def forgetful(client: ServerConnection) -> None:
        assert client.request is not None
        said.append(client.request.path)
        await client.send('{"type": "welcome"}')
        async for text in client:
            said.append(str(text))

    secret = Secret(id="s1", kind="token")
    placeholder = "{{deadheat:token:s1}}"
    c1, c2 = Connection("c1"), Connection("c2")
    recorded = capture_of(
        *(c1.request(0, "ws://h/one"), c1.response(1)),
        c1.frame(
            5,
            Direction.SERVER_TO_CLIENT,
            f'{{"type": "welcome", "token": "{placeholder}"}}',
            secrets=(secret,),
        ),
        c1.sent(10, f'{{"token": "{placeholder}"}}', secrets=(secret,)),
        c1.left(20),
        *(c2.request(30, f"ws://h/two?token={placeholder}", secrets=(secret,)), c2.response(31)),
        c2.left(40),
    )
    plan = plan_from_capture(recorded)
    assert plan.correlation.issued() == {"s1"}
    async with serve(forgetful, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        run = await run_of(plan, port, 0.5)
    assert not any("deadheat" in each for each in said)
    assert sum("was not sent: it echoes a secret" in note for note in notes(run)) == 2
