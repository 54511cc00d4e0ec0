"""Captures that are made by the test that needs them.

Each is a pytest of its own, against real servers.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from capture.format.reader import read_capture
from tests.integration.replay.pytest_plugin.runs import (
    MENDED,
    RACE,
    Run,
    printed,
)

CLIENT = """
import asyncio
from websockets.sync.client import connect

def client(url):
    with connect(url) as socket:
        for text in ("hello", "again"):
            socket.send(text)
            socket.recv(timeout=10)

async def async_client(url):
    from websockets.asyncio.client import connect
    async with connect(url) as socket:
        await socket.send("hello")
        await asyncio.wait_for(socket.recv(), 10)

def broken_client(url):
    with connect(url) as socket:
        socket.send("hello")
        raise KeyError("the client gave up")

def silent_client(url):
    pass
"""


def recording(client: str, capture: str = "captures/new.capture.jsonl") -> str:
    return f"""
@pytest.mark.deadheat("{capture}", record={client}, learn=False)
def test_recorded(deadheat_replay):
    assert len(deadheat_replay.runs) == 1
"""


@pytest.mark.parametrize("client", ["client", "async_client"])
def test_once_makes_a_missing_capture_and_then_replays_it(
    run: Run, tree: Path, client: str
) -> None:
    made = tree / "captures/new.capture.jsonl"
    never = run(recording(client), prefix=CLIENT, path=MENDED)
    never.assert_outcomes(errors=1)
    assert not made.exists()
    run(recording(client), "--deadheat-mode", "once", prefix=CLIENT, path=MENDED).assert_outcomes(
        passed=1
    )
    first = made.read_bytes()
    assert read_capture(made).header.vantage == "edge"
    for mode in ("once", "none"):
        arguments = ("--deadheat-mode", mode)
        run(recording(client), *arguments, prefix=CLIENT, path=MENDED).assert_outcomes(passed=1)
    assert made.read_bytes() == first
    assert sorted(path.name for path in made.parent.iterdir()) == [
        "new.capture.jsonl",
        "talk.capture.jsonl",
        "talk.finding.json",
    ]


def test_rewrite_makes_a_capture_anew_once_for_all_its_tests(
    run: Run, tree: Path, pytester: pytest.Pytester
) -> None:
    pytester.makeini("[pytest]\ndeadheat_mode = rewrite\n")
    talk_capture = tree / "captures/talk.capture.jsonl"
    source = recording("counted", "captures/talk.capture.jsonl")
    both = source + source.replace("test_recorded", "test_again")
    counted = CLIENT + "def counted(url):\n    print('recording'); client(url)\n"
    result = run(both, "-s", prefix=counted, path=MENDED)
    result.assert_outcomes(passed=2)
    assert printed(result).count("recording") == 1
    assert read_capture(talk_capture).header.recorder == "deadheat proxy"
    assert '"hello"' in talk_capture.read_text()


@pytest.mark.parametrize(
    ("client", "complaint"),
    [
        ("broken_client", "*KeyError: 'the client gave up'"),
        ("silent_client", "deadheat: the recording for *talk.capture.jsonl cannot be replayed: *"),
    ],
)
def test_a_recording_that_fails_leaves_the_capture_as_it_was(
    run: Run, tree: Path, client: str, complaint: str
) -> None:
    before = (tree / "captures/talk.capture.jsonl").read_bytes()
    source = recording(client, "captures/talk.capture.jsonl")
    result = run(source, "--deadheat-mode", "rewrite", prefix=CLIENT, path=MENDED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([complaint])
    assert (tree / "captures/talk.capture.jsonl").read_bytes() == before
    assert len(list((tree / "captures").iterdir())) == 2


def test_a_missing_capture_that_nothing_can_make(run: Run) -> None:
    source = '@pytest.mark.deadheat("new.capture.jsonl")\ndef test_it(): pass'
    result = run(source, "--deadheat-mode", "once")
    result.stdout.fnmatch_lines(["deadheat: there is no capture new.capture.jsonl and nothing to*"])


def test_a_mode_that_there_is_not(run: Run, pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\ndeadheat_mode = all\n")
    result = run(RACE)
    result.stderr.fnmatch_lines(["*deadheat_mode is 'all', expected one of: none, once, rewrite"])
