"""The server under test is an ASGI application in the process of the test, in a time that jumps.

Each is a pytest of its own.
"""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from capture.format.reader import read_capture
from tests.integration.replay.pytest_plugin.runs import RACE, Run, printed
from tests.integration.replay.sessions import said

CHAT = """
import json, os, time

LOSES_S = float(os.environ["LOSES_S"])

async def app(scope, receive, send):
    await receive()
    await send({"type": "websocket.accept"})
    before = -3600
    while (event := await receive())["type"] == "websocket.receive":
        now, since = time.monotonic(), time.monotonic() - before
        before = now
        if since >= LOSES_S:
            ack = {"type": "ack", "of": event["text"]}
            await send({"type": "websocket.send", "text": json.dumps(ack)})
"""

# An hour goes by between the messages.
SLOW = """
@pytest.mark.deadheat(
    "captures/talk.capture.jsonl", target="chat:app", runs=4, perturb={
        "perturbation": "gap", "connection": "c1", "step": 2, "after": "c1 step 1",
        "gap_ms": 3_600_000,
    },
)
def test_slow(deadheat_replay):
    for run in deadheat_replay.runs:
        assert run.events[-1].at_ns > 3600 * 10**9
"""

IN_A_LOOP = """
@pytest.mark.asyncio
@pytest.mark.deadheat("captures/talk.capture.jsonl", finding="captures/talk.finding.json")
async def test_async(deadheat_replay):
    assert len(deadheat_replay.runs) == 5
"""

OPTIONS = """
from replay.engine.virtual.served_application import ServedApplication

@pytest.fixture(scope="session")
def deadheat_target():
    return ServedApplication("chat:app", {"ws_ping_interval": None}, is_direct=True)
"""

LOG = """
@pytest.fixture
def deadheat_log():
    return "server.log"
"""


@pytest.fixture(autouse=True)
def chat(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tree / "chat.py").write_text(CHAT)
    monkeypatch.setenv("LOSES_S", "0.06")


HERE = ("--deadheat-target", "chat:app")


def test_a_race_fails_and_the_commands_that_it_prints_do_what_they_say(
    run: Run, tree: Path
) -> None:
    result = run(RACE, *HERE, path=None)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            'deadheat: missing: c1: the type="ack" message did not come',
            "  fails     in 3 of 3 runs (95 % interval 29 to 100 %)",
            "  target    chat:app",
            "  otherwise 5 unperturbed runs went as they should",
        ]
    )
    line = next(line for line in printed(result).splitlines() if "once more" in line)
    _, *arguments = shlex.split(line.strip().removeprefix("once more"))
    done = subprocess.run(
        [sys.executable, "-m", "deadheat", *arguments],
        cwd=tree,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert len(said(read_capture(tree / "run.capture.jsonl"))) == 1


@pytest.mark.parametrize("source", [RACE, IN_A_LOOP, OPTIONS + RACE])
@pytest.mark.parametrize(("loses_s", "outcome"), [("0.06", "failed"), ("0", "passed")])
def test_the_mended_one_passes(
    run: Run, source: str, loses_s: str, outcome: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOSES_S", loses_s)
    result = run(source, *HERE, "--asyncio-mode", "strict", path=None)
    result.assert_outcomes(**{outcome: 1})


def test_hours_take_no_time_and_what_is_normal_is_learned_once(run: Run, tree: Path) -> None:
    result = run(RACE + SLOW, *HERE, "--deadheat-runs-dir=kept", path=None)
    result.assert_outcomes(failed=1, passed=1)
    assert len(list((tree / "kept").glob("*/normal"))) == 1


@pytest.mark.parametrize(
    ("source", "target", "complaint"),
    [
        (RACE, "nowhere:app", "there is no module 'nowhere' to import from *"),
        (RACE, "chat:nothing", "chat has no nothing"),
        (RACE, "localhost:8000", "target is 'localhost:8000', expected ws://host:port or *"),
        (LOG + RACE, "chat:app", "deadheat_log is for a server elsewhere: what an application *"),
        (
            "@pytest.mark.deadheat('new.capture.jsonl', record=print)\ndef test_it(): pass",
            "chat:app",
            "chat:app is served in this process, where a client cannot connect: *",
        ),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    run: Run, source: str, target: str, complaint: str
) -> None:
    arguments = ("--deadheat-target", target, "--deadheat-mode", "once")
    result = run(source, *arguments, path=None)
    assert result.ret == 1
    result.stdout.fnmatch_lines([f"deadheat: {complaint}"])
    assert "Traceback" not in printed(result)
