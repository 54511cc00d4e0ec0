import json
from pathlib import Path

import pytest

from capture.format.writer import CaptureWriter
from replay.past_runs import PastRuns
from replay.perturbations import Gap
from replay.plan import After, Kind
from tests.unit.replay.captures import HEADER, Connection, capture_of

C1 = Connection("c1")
RUN = capture_of(C1.opened(0), C1.sent(10, "a"), C1.left(20))
EDIT = Gap("c1", 1, After(Kind.OPEN, "c1"), 5_300_000)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "runs").mkdir()
    lines = []
    for number, edits in enumerate([(), (EDIT,), ()], 1):
        name = f"runs/{number:04d}.capture.jsonl"
        with CaptureWriter(tmp_path / name, HEADER) as writer:
            for event in RUN.events:
                writer.write(event)
        lines.append(
            {
                "run": number,
                "purpose": "sweep",
                "edits": [edit.to_json() for edit in edits],
                "log": [f"line {number}"],
                "capture": name,
            }
        )
    (tmp_path / "runs.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return tmp_path


def numbers(directory: Path) -> list[int]:
    return [json.loads(line)["run"] for line in (directory / "runs.jsonl").read_text().splitlines()]


def test_a_run_that_is_asked_again_is_given_from_its_record(directory: Path) -> None:
    past = PastRuns.read(directory)
    taken = past.take(2, "sweep", (EDIT,))
    assert taken is not None
    run, log = taken
    assert run.events == RUN.events
    assert log == ("line 2",)
    assert numbers(directory) == [1, 2, 3]


@pytest.mark.parametrize(("purpose", "edits"), [("control", (EDIT,)), ("sweep", ())])
def test_from_another_question_on_all_is_forgotten(
    directory: Path, purpose: str, edits: tuple[Gap, ...]
) -> None:
    past = PastRuns.read(directory)
    assert past.take(2, purpose, edits) is None
    assert past.take(3, "sweep", ()) is None
    assert numbers(directory) == [1]


def test_a_missing_run_makes_those_after_it_worthless(directory: Path) -> None:
    lines = (directory / "runs.jsonl").read_text().splitlines()
    (directory / "runs.jsonl").write_text(f"{lines[0]}\n{lines[2]}\n")
    past = PastRuns.read(directory)
    assert past.take(1, "sweep", ()) is not None
    assert past.take(2, "sweep", (EDIT,)) is None
    assert past.take(3, "sweep", ()) is None


def test_a_line_that_was_cut_short_is_left_out(directory: Path) -> None:
    with (directory / "runs.jsonl").open("a") as file:
        file.write('{"run": 4, "pur')
    past = PastRuns.read(directory)
    assert past.take(4, "sweep", ()) is None
    assert numbers(directory) == [1, 2, 3]


def test_a_record_that_is_gone_is_made_again(directory: Path) -> None:
    (directory / "runs" / "0002.capture.jsonl").unlink()
    assert PastRuns.read(directory).take(2, "sweep", (EDIT,)) is None


def test_without_a_directory_there_are_none() -> None:
    assert PastRuns().take(1, "sweep", ()) is None


def test_the_record_of_a_run_that_was_cut_short_makes_room(directory: Path) -> None:
    cut = directory / "runs/0004.capture.jsonl"
    cut.write_text("half a record")
    past = PastRuns.read(directory)
    assert not cut.exists()
    # Another question in the middle: what comes after it is asked anew, too.
    assert past.take(2, "sweep", ()) is None
    assert [path.name for path in (directory / "runs").iterdir()] == ["0001.capture.jsonl"]
