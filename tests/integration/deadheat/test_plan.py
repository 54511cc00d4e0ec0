"""`deadheat plan`, and the file that a person corrects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from capture.format.model import Capture, Note
from capture.format.reader import read_capture
from tests.integration.deadheat.command_line import deadheat, last_line, one_clear_line
from tests.integration.replay.sessions import saved
from tests.integration.replay.test_correlation import complaints, recorded_at, words
from tests.servers.process import serving
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
SESSION = capture_of(
    C1.opened(0),
    C1.sent(5, "HELLO"),
    C1.said(7, "SESSION a1b2c3d4e"),
    C1.sent(20, "RESUME a1b2c3d4e"),
    C1.said(22, "RESUMED SEQ=7"),
    C1.left(60),
)


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    return saved(SESSION, tmp_path / "session.capture.jsonl")


def corrected(path: Path, **changes: Any) -> Path:  # noqa: ANN401  any JSON
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return path


def test_it_shows_what_a_step_waits_for_and_why(capture: Path) -> None:
    done = deadheat("plan", capture)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "c1 step 2 (message): 13.0 ms after c1 message 1: SESSION #" in lines
    assert "    needs c1 message 1: SESSION # for word 2 (a1b2c3d4e)" in lines
    assert lines[-2:] == [
        "  word 2 of c1 message 1: SESSION #",
        "    -> c1 step 2: word 2 (a1b2c3d4e)",
    ]


def test_as_json(capture: Path) -> None:
    said = last_line(deadheat("plan", capture, "--json"))
    assert [step["step"] for step in said["steps"]] == [0, 1, 2, 3]
    assert said["steps"][2]["needs"] == ["c1 message 1: SESSION #"]
    assert said["correlation"][0]["from"] == "c1 message 1: SESSION #"


def replayed(capture: Path, port: int, out: Path, *more: str | Path) -> tuple[str, Capture]:
    target = f"ws://127.0.0.1:{port}"
    done = deadheat("replay", capture, "--target", target, "--out", out, *more)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout, read_capture(out)


def test_a_file_that_is_written_and_obeyed(capture: Path, tmp_path: Path) -> None:
    plan, run = tmp_path / "plan.json", tmp_path / "run.capture.jsonl"
    assert deadheat("plan", capture, "--out", plan).returncode == 0
    with serving("words_server.py") as port:
        said, record = replayed(capture, port, run, "--plan", plan)
        assert complaints(record) == []
        assert "1 value that the server issued was replaced" in said
        corrected(plan, correlation=[])
        said, record = replayed(capture, port, run, "--plan", plan, "--overwrite")
        assert any("4003 not mine" in each for each in complaints(record))
        assert "issued" not in said


def test_a_step_made_to_wait_for_another_event(capture: Path, tmp_path: Path) -> None:
    plan, run = tmp_path / "plan.json", tmp_path / "run.capture.jsonl"
    deadheat("plan", capture, "--out", plan)
    waits = {"connection": "c1", "step": 1, "after": "c1 open", "gap_ms": 150}
    with serving("words_server.py") as port:
        _, record = replayed(capture, port, run, "--plan", corrected(plan, causality=[waits]))
    opened_ns = next(e.at_ns for e in record.events if e.__class__.__name__ == "UpgradeResponse")
    sent_ns = next(e.at_ns for e in record.events if getattr(e, "step", None) == 1)
    assert sent_ns - opened_ns >= 149_000_000


def test_the_summary_lists_what_was_replaced(capture: Path, tmp_path: Path) -> None:
    with serving("words_server.py") as port:
        summary = last_line(
            deadheat(
                *("replay", capture, "--target", f"ws://127.0.0.1:{port}"),
                *("--out", tmp_path / "run.capture.jsonl", "--json"),
            )
        )
    (note,) = summary["correlated"]
    assert "c1 step 2: word 2 is the server's, from word 2 of c1 message 1: SESSION #" in note


async def test_other_recordings_tell_what_varies(tmp_path: Path) -> None:
    recorded, again, run = (tmp_path / f"{name}.capture.jsonl" for name in ("a", "b", "run"))
    with serving("words_server.py") as port:
        await recorded_at(port, recorded, words)
        await recorded_at(port, again, words)
        said, record = replayed(recorded, port, run, "--compare", again)
    assert complaints(record) == []
    assert len([e for e in record.events if isinstance(e, Note)]) >= 1
    assert "replaced by the live one" in said
    compared = last_line(deadheat("plan", recorded, "--compare", again, "--json"))
    alone = last_line(deadheat("plan", recorded, "--json"))
    assert compared["correlation"] == alone["correlation"]


def test_a_hunt_obeys_the_file(capture: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    deadheat("plan", capture, "--out", plan)
    corrected(plan, correlation=[])
    with serving("words_server.py") as port:
        hunt = ("hunt", capture, "--target", f"ws://127.0.0.1:{port}", "--budget", "24", "--json")
        without = last_line(deadheat(*hunt, "--plan", plan, "--out", tmp_path / "without"))
        found = last_line(deadheat(*hunt, "--out", tmp_path / "hunt"))
    assert without["verdict"] == "inconclusive"
    assert found["verdict"] == "not reproduced"


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"causality": [{"connection": "c1", "step": 9, "after": "start"}]}, "steps 0 to 3"),
        ({"causality": [{"connection": "c1", "step": 1, "after": "c1 step 2"}]}, "cannot follow"),
        ({"correlation": [{"from": "c1 message 1"}]}, "expected from, place and to"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    capture: Path, tmp_path: Path, changes: dict[str, Any], complaint: str
) -> None:
    plan, run = tmp_path / "plan.json", tmp_path / "run.capture.jsonl"
    deadheat("plan", capture, "--out", plan)
    corrected(plan, **changes)
    done = deadheat("replay", capture, "--target", "ws://127.0.0.1:9", "--plan", plan, "--out", run)
    assert complaint in one_clear_line(done)
    assert not run.exists()
    assert complaint in one_clear_line(deadheat("plan", capture, "--plan", plan))


def test_an_earlier_file_is_kept(capture: Path, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text("mine")
    assert "pass --overwrite" in one_clear_line(deadheat("plan", capture, "--out", plan))
    assert plan.read_text() == "mine"
