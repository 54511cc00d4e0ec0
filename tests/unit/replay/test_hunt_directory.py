import hashlib
import json
from pathlib import Path

import pytest

from capture.errors import UnwritableOutput
from replay.errors import ReplayError
from replay.hunt_directory import HuntDirectory, plan_to_json, read_hunt
from replay.planning import plan_from_capture
from replay.statistics import rate
from tests.unit.replay.captures import Connection, capture_of
from tests.unit.replay.test_finding import FOUND, NOTHING

C1 = Connection("c1")
ASKED = {"target": "ws://h", "seed": 3, "budget": 200}


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    path = tmp_path / "session.capture.jsonl"
    path.write_text("a capture\n")
    return path


def hunted(path: Path, recorded: Path, *, overwrite: bool = False) -> None:
    with HuntDirectory.prepared(path, overwrite=overwrite) as directory:
        directory.keep_capture(recorded)
        (path / "runs.jsonl").write_text('{"run": 1}\n')
        (path / "runs" / "0001.capture.jsonl").write_text("a run\n")
        for finding in FOUND.findings:
            directory.keep_finding(finding, rate(0, 20), ASKED)
        directory.write_result(FOUND, ASKED)


def test_it_explains_itself(tmp_path: Path, recorded: Path) -> None:
    path = tmp_path / "deep" / "hunt"
    hunted(path, recorded)
    answer = json.loads((path / "hunt.json").read_text())
    assert answer["verdict"] == "reproduced"
    assert answer["target"] == "ws://h"
    assert answer["capture_sha256"] == hashlib.sha256(recorded.read_bytes()).hexdigest()
    assert set(answer["versions"]) == {"deadheat", "websockets", "uvicorn", "python"}
    finding = json.loads((path / "finding.json").read_text())
    assert finding.items() >= FOUND.to_json()["finding"].items()
    about = {"control", "target", "seed", "capture_sha256", "versions"}
    assert set(finding) == {"edits", "window", "rate", "symptom"} | about
    assert finding["control"] == rate(0, 20).to_json()
    assert all(finding[name] == answer[name] for name in about - {"control"})
    assert (path / "recorded.capture.jsonl").read_bytes() == recorded.read_bytes()


def test_a_hunt_reads_back_with_its_runs(tmp_path: Path, recorded: Path) -> None:
    hunted(tmp_path / "hunt", recorded)
    assert read_hunt(tmp_path / "hunt")["trials"] == [{"run": 1}]


def test_an_unfinished_hunt_is_none(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="holds no finished hunt"):
        read_hunt(tmp_path)


def test_nothing_found_leaves_no_finding(tmp_path: Path, recorded: Path) -> None:
    hunted(tmp_path / "hunt", recorded)
    with HuntDirectory.prepared(tmp_path / "hunt", overwrite=True) as directory:
        directory.keep_capture(recorded)
        directory.write_result(NOTHING, {})
    assert not (tmp_path / "hunt" / "finding.json").exists()


def test_an_earlier_hunt_is_kept_unless_told_otherwise(tmp_path: Path, recorded: Path) -> None:
    path = tmp_path / "hunt"
    hunted(path, recorded)
    before = (path / "hunt.json").read_bytes()
    with pytest.raises(UnwritableOutput, match="pass --overwrite"):
        hunted(path, recorded)
    assert (path / "hunt.json").read_bytes() == before
    hunted(path, recorded, overwrite=True)


def test_overwriting_leaves_nothing_of_the_earlier_hunt(tmp_path: Path, recorded: Path) -> None:
    path = tmp_path / "hunt"
    hunted(path, recorded)
    with HuntDirectory.prepared(path, overwrite=True):
        assert [each.name for each in path.iterdir()] == ["runs"]
        assert list((path / "runs").iterdir()) == []


@pytest.mark.parametrize("overwrite", [False, True])
def test_a_directory_of_something_else_is_never_touched(
    tmp_path: Path, recorded: Path, *, overwrite: bool
) -> None:
    path = tmp_path / "documents"
    path.mkdir()
    (path / "letter.txt").write_text("dear")
    with pytest.raises(UnwritableOutput, match="holds no hunt"):
        hunted(path, recorded, overwrite=overwrite)
    assert [each.name for each in path.iterdir()] == ["letter.txt"]


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path, recorded: Path) -> None:
    for path in (recorded, recorded / "hunt"):
        with pytest.raises(UnwritableOutput, match="cannot write"):
            hunted(path, recorded)


def fail_before_the_first_run(path: Path) -> None:
    with pytest.raises(ReplayError), HuntDirectory.prepared(path, overwrite=False):
        raise ReplayError("nothing answers")


def test_a_hunt_without_a_run_leaves_no_directory(tmp_path: Path) -> None:
    fail_before_the_first_run(tmp_path / "hunt")
    assert not (tmp_path / "hunt").exists()


def test_a_hunt_without_a_run_leaves_an_empty_directory_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "hunt"
    path.mkdir()
    fail_before_the_first_run(path)
    assert list(path.iterdir()) == []


def test_a_hunt_that_ends_in_the_middle_keeps_its_runs(tmp_path: Path) -> None:
    path = tmp_path / "hunt"

    def interrupted() -> None:
        with HuntDirectory.prepared(path, overwrite=False):
            (path / "runs.jsonl").write_text('{"run": 1}\n')
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert (path / "runs.jsonl").exists()


def test_a_plan_is_told_in_milliseconds() -> None:
    plan = plan_from_capture(
        capture_of(
            C1.opened(0), C1.said(10, "ticket-4711"), C1.sent(15.5, "ticket-4711"), C1.left(20)
        )
    )
    assert plan_to_json(plan)[1] == {
        "connection": "c1",
        "step": 1,
        "name": "c1 step 1 (message)",
        "recorded_at_ms": 15.5,
        "after": str(plan.step("c1", 1).after),
        "gap_ms": 5.5,
        "needs": [str(event) for event in plan.step("c1", 1).needs],
    }
