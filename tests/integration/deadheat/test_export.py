"""`deadheat export` from outside: from a recording to a test that tells the broken server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from websockets.asyncio.client import connect

from capture.recording_process import recording
from tests.integration.deadheat.command_line import deadheat, environment, last_line, one_clear_line

SAMPLES = Path(__file__).parents[3] / "data/samples"
FINDING = SAMPLES / "chat_reconnect.finding.json"
BROKEN, MENDED = "/window?low=0&high=60", "/window?low=-3&high=-2"


async def talk(upstream: str, capture: Path) -> None:
    """A session that goes well, recorded: the second message comes late enough."""
    path = upstream.partition("/window")[2]
    async with recording(upstream, capture) as proxy, connect(f"{proxy}/window{path}") as socket:
        for text in ("1", "2"):
            await socket.send(text)
            await asyncio.wait_for(socket.recv(), 10)
            await asyncio.sleep(0.14)


def in_ci(folder: Path, target: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the tests of a folder as CI does."""
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)),
            *("--deadheat-target", target, "--junitxml", str(folder / "report.xml"), *arguments),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment(),
        cwd=folder,
        check=False,
    )


def test_from_a_recording_to_a_test_that_fails_until_the_race_is_mended(
    port: int, tmp_path: Path
) -> None:
    origin = f"ws://127.0.0.1:{port}"
    capture, hunt = tmp_path / "talk.capture.jsonl", tmp_path / "hunt"
    asyncio.run(talk(origin + BROKEN, capture))
    budget = ("--budget", "70", "--rate-runs", "5", "--stop-at-first")
    found = last_line(
        deadheat("hunt", capture, "--target", origin, "--out", hunt, "--json", *budget)
    )
    assert found["verdict"] == "reproduced", found

    out = tmp_path / "tests" / "test_lost_answer.py"
    done = deadheat("export", hunt, "--to", "pytest", "--out", out)
    assert done.returncode == 0, done.stderr
    assert str(out) in done.stdout

    broken = in_ci(out.parent, origin + BROKEN)
    assert broken.returncode == 1, broken.stdout
    assert 'deadheat: missing: c1: the type="ack" message did not come' in broken.stdout
    assert "c1 step 2 (message) comes" in broken.stdout
    (case,) = ElementTree.parse(out.parent / "report.xml").getroot().iter("testcase")
    said = {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}
    assert json.loads(said["deadheat.edits"]) == found["finding"]["edits"]
    assert float(said["deadheat.window_high_ms"]) == found["finding"]["window"]["high_ms"]
    assert said["deadheat.failures"] == said["deadheat.runs"] != "0"

    mended = in_ci(out.parent, origin + MENDED)
    assert mended.returncode == 0, mended.stdout


def test_the_module_is_formatted_and_clean(tmp_path: Path) -> None:
    out = tmp_path / "test_chat.py"
    assert deadheat("export", FINDING, "--to", "pytest", "--out", out).returncode == 0
    for check in (("check",), ("format", "--check", "--line-length", "100")):
        ruff = (sys.executable, "-m", "ruff", *check, "--isolated", str(out))
        done = subprocess.run(ruff, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("form", ["har", "parquet", "perfetto"])
def test_forms_that_are_not_there_yet_are_said(tmp_path: Path, form: str) -> None:
    out = tmp_path / "out"
    done = deadheat("export", SAMPLES / "chat_reconnect.capture.jsonl", "--to", form, "--out", out)
    assert f"export to {form} is not there yet, only to pytest" in one_clear_line(done)
    assert not out.exists()


def test_what_cannot_be_exported_is_one_clear_line(tmp_path: Path) -> None:
    out = tmp_path / "test_x.py"
    lines = {
        one_clear_line(deadheat("export", source, "--to", "pytest", "--out", to)): complaint
        for source, to, complaint in (
            (tmp_path / "nowhere", out, "cannot read"),
            (tmp_path, out, "holds no finished hunt"),
            (FINDING, tmp_path / "x.py", "expected a file that pytest collects"),
        )
    }
    for line, complaint in lines.items():
        assert complaint in line
    assert len(lines) == 3
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    out = tmp_path / "test_x.py"
    export = ("export", FINDING, "--to", "pytest", "--out", out)
    assert deadheat(*export).returncode == 0
    assert "exists: name another file, or pass --overwrite" in one_clear_line(deadheat(*export))
    assert deadheat(*export, "--overwrite").returncode == 0
