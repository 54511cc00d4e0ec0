"""`--app` and what the application itself connects to: fakes in memory, or the real thing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from capture.format.model import Frame, Note
from capture.format.reader import read_capture
from tests.integration.deadheat.command_line import deadheat, last_line, one_clear_line
from tests.integration.replay.sessions import saved
from tests.servers.http_service import answering, free_port
from tests.unit.replay.captures import Connection, capture_of

C1, C2 = Connection("c1"), Connection("c2")
URL = "ws://recorded.example/ws"
SESSION = capture_of(
    C1.request(0, URL),
    C1.response(2),
    C2.request(100, URL),
    C2.response(102),
    C1.sent(1_000, "add"),
    C1.said(1_030, "1 seats, 60 s"),
    C2.sent(3_000, "add"),
    C2.said(3_030, "2 seats, 60 s"),
    C1.left(4_000),
    C2.left(4_100),
)
REDIS = "redis=127.0.0.1:6399"

# Plain ASGI with redis-py, which it keeps its count in.
SEATS = """
import asyncio, logging
import redis.asyncio as redis

async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    kept = redis.Redis(host=HOST, port=6399)
    try:
        while (await receive())["type"] == "websocket.receive":
            seats = await add(kept)
            left_s = await kept.ttl("seats")
            await send({"type": "websocket.send", "text": f"{seats} seats, {left_s} s"})
    finally:
        await kept.aclose()
"""
RACY = """
async def add(kept):
    seats = int(await kept.get("seats") or 0) + 1
    await asyncio.sleep(0.02)
    await kept.set("seats", seats, ex=60)
    return seats
"""
ATOMIC = """
async def add(kept):
    async with kept.pipeline() as pipe:
        seats, _ = await pipe.incr("seats").expire("seats", 60).execute()
    return seats
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    saved(SESSION, tmp_path / "seats.capture.jsonl")
    for name, add in (("racy", RACY), ("atomic", ATOMIC)):
        seats = SEATS.replace("HOST", '"127.0.0.1"')
        (tmp_path / f"{name}_seats.py").write_text(seats + add)
    (tmp_path / "far_seats.py").write_text(SEATS.replace("HOST", '"192.0.2.1"') + ATOMIC)
    return tmp_path


@pytest.mark.parametrize("processes", ["1", "2"])
def test_a_lost_update_in_a_redis_in_memory_is_found(processes: str, folder: Path) -> None:
    done = deadheat(
        *("hunt", "seats.capture.jsonl", "--app", "racy_seats:app", "--fake", REDIS, "--out"),
        *("hunt", "--json", "--stop-at-first", "--parallel", processes),
        cwd=folder,
    )
    found = last_line(done)
    assert found["verdict"] == "reproduced"
    assert found["control"]["failures"] == 0
    window = found["finding"]["window"]
    # As long as it holds what it read: 20 ms, and three round trips to Redis around it.
    assert window["low_ms"] <= 0
    assert window["high_ms"] == pytest.approx(21, abs=1.5)
    assert not [reason for reason in found["reasons"] if "deterministic" in reason]


def test_who_counts_in_redis_itself_is_not_accused(folder: Path) -> None:
    done = deadheat(
        *("hunt", "seats.capture.jsonl", "--app", "atomic_seats:app", "--fake", REDIS, "--out"),
        *("hunt", "--json", "--budget", "300"),
        cwd=folder,
    )
    found = last_line(done)
    assert (found["verdict"], found["findings"]) == ("not reproduced", [])


def test_without_a_fake_nothing_answers_and_the_record_says_who_was_asked(folder: Path) -> None:
    run = folder / "run.capture.jsonl"
    deadheat(
        *("replay", "seats.capture.jsonl", "--app", "atomic_seats:app", "--out", run), cwd=folder
    )
    notes = [event.text for event in read_capture(run).events if isinstance(event, Note)]
    assert "the application asked a service that is real: 127.0.0.1:6399" in notes


def test_no_other_machine_is_connected_to_unless_it_is_allowed(folder: Path) -> None:
    done = deadheat(
        *("hunt", "seats.capture.jsonl", "--app", "far_seats:app", "--out", "hunt", "--json"),
        cwd=folder,
    )
    reasons = last_line(done)["reasons"]
    assert last_line(done)["verdict"] == "inconclusive"
    assert [reason for reason in reasons if "kept from connecting to 192.0.2.1" in reason]
    assert [reason for reason in reasons if "--allow-host 192.0.2.1" in reason]


ASKS = """
import httpx

async def app(scope, receive, send):
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    async with httpx.AsyncClient(base_url="http://prices.internal:8080") as prices:
        while (message := await receive())["type"] == "websocket.receive":
            answer = await prices.get("/price", params={"of": message["text"]})
            await send({"type": "websocket.send", "text": answer.text})
"""
PRICES = """
import asyncio

async def app(scope, receive, send):
    if scope["type"] == "http":
        await asyncio.sleep(3)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": scope["query_string"]})
"""


def test_an_application_of_the_users_stands_for_a_service_over_http(tmp_path: Path) -> None:
    (tmp_path / "asks.py").write_text(ASKS)
    (tmp_path / "prices.py").write_text(PRICES)
    session = capture_of(
        C1.request(0, URL), C1.response(2), C1.sent(10, "tea"), C1.said(20, "of=tea"), C1.left(9000)
    )
    saved(session, tmp_path / "asks.capture.jsonl")
    run = tmp_path / "run.capture.jsonl"
    done = deadheat(
        *("replay", "asks.capture.jsonl", "--app", "asks:app", "--out", run),
        *("--fake", "prices:app=prices.internal:8080"),
        cwd=tmp_path,
    )
    assert (done.returncode, done.stderr) == (0, "")
    frames = [event for event in read_capture(run).events if isinstance(event, Frame)]
    asked, told = (frame for frame in frames if frame.text)
    assert told.text == "of=tea"
    assert told.at_ns - asked.at_ns == pytest.approx(3e9, rel=0.01)


COUNTED = """
import asyncio, httpx

def make():
    taken = 0

    async def app(scope, receive, send):
        nonlocal taken
        if scope["type"] != "websocket":
            return
        await receive()
        await send({"type": "websocket.accept"})
        async with httpx.AsyncClient(base_url="http://127.0.0.1:PORT") as users:
            while (message := await receive())["type"] == "websocket.receive":
                known, name = taken, (await users.get("/who", params={"is": message["text"]})).text
                await asyncio.sleep(0.02)
                taken = known + 1
                await send({"type": "websocket.send", "text": f"{name} has seat {taken}"})

    return app
"""


def test_a_hunt_needs_a_real_service_once_for_each_answer(tmp_path: Path) -> None:
    session = capture_of(
        C1.request(0, URL),
        C1.response(2),
        C2.request(100, URL),
        C2.response(102),
        C1.sent(1_000, "ann"),
        C1.said(1_030, "user ann has seat 1"),
        C2.sent(3_000, "bob"),
        C2.said(3_030, "user bob has seat 2"),
        C1.left(4_000),
        C2.left(4_100),
    )
    saved(session, tmp_path / "seats.capture.jsonl")
    with answering(lambda target: f"user {target.rpartition('=')[2]}") as service:
        (tmp_path / "seats.py").write_text(COUNTED.replace("PORT", str(service.port)))
        done = deadheat(
            *("hunt", "seats.capture.jsonl", "--app", "seats:make", "--out", "hunt", "--json"),
            *("--fake", f"tape=127.0.0.1:{service.port}", "--stop-at-first"),
            cwd=tmp_path,
        )
        assert (done.returncode, done.stderr) == (0, "")
        hunted = json.loads(done.stdout)
        assert (hunted["verdict"], hunted["runs"] > 20) == ("reproduced", True)
        assert sorted(service.asked) == ["/who?is=ann", "/who?is=bob"]


def test_a_tape_of_a_service_that_is_not_there_is_told_in_one_line(folder: Path) -> None:
    done = deadheat(
        *("replay", "seats.capture.jsonl", "--app", "racy_seats:app", "--out", "run.capture.jsonl"),
        *("--fake", f"tape=127.0.0.1:{free_port()}"),
        cwd=folder,
    )
    assert "nothing answers at 127.0.0.1:" in one_clear_line(done)


@pytest.mark.parametrize(
    ("fake", "said"),
    [
        ("redis", "expected redis=HOST:PORT"),
        ("redis=127.0.0.1:x", "expected redis=HOST:PORT"),
        ("mysql=127.0.0.1:3306", "knows no 'mysql'"),
        ("nowhere:app=127.0.0.1:80", "no module 'nowhere'"),
    ],
)
def test_a_fake_that_is_none_is_told_in_one_line(fake: str, said: str, folder: Path) -> None:
    done = deadheat(
        *("replay", "seats.capture.jsonl", "--app", "racy_seats:app", "--fake", fake),
        *("--out", "run.capture.jsonl"),
        cwd=folder,
    )
    assert said in one_clear_line(done)


def test_a_fake_needs_an_application(folder: Path) -> None:
    done = deadheat(
        *("replay", "seats.capture.jsonl", "--target", "ws://127.0.0.1:9", "--fake", REDIS),
        *("--out", "run.capture.jsonl"),
        cwd=folder,
    )
    assert "--fake is for --app" in one_clear_line(done)
