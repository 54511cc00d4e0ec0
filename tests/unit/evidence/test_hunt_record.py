import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest

from evidence.errors import DamagedHunt
from evidence.hunt_record import HuntRecord, read_record
from replay.errors import ReplayError
from replay.finding import Answer


@pytest.fixture
def copied(hunts: Path, tmp_path: Path) -> Path:
    shutil.copytree(hunts / "raced", tmp_path / "copied")
    return tmp_path / "copied"


def test_a_record_has_the_answer_the_recording_and_the_plan(raced: HuntRecord) -> None:
    assert raced.name == "raced"
    assert raced.verdict is Answer.REPRODUCED
    assert raced.recorded.connection_ids() == ("c1", "c2")
    assert set(raced.plan.connections) == {"c1", "c2"}


def test_evidence_names_the_file_with_its_digest(raced: HuntRecord) -> None:
    cited = raced.cite_runs(raced.trials[:2], "they are there")
    expected = sha256((raced.path / "runs.jsonl").read_bytes()).hexdigest()
    assert (cited.file, cited.sha256, cited.runs) == ("raced/runs.jsonl", expected, (1, 2))
    assert raced.cite("hunt.json", "the answer", 1).file == "raced/hunt.json"


def test_the_record_of_a_run_is_a_capture(raced: HuntRecord) -> None:
    assert raced.run(raced.trials[0]).connection_ids() == ("c1", "c2")


def test_another_recording_than_the_hunt_replayed_is_damage(copied: Path) -> None:
    with (copied / "recorded.capture.jsonl").open("a") as file:
        file.write("\n")
    with pytest.raises(DamagedHunt, match="is not what the hunt replayed"):
        read_record(copied)


def test_an_answer_without_its_finding_is_damage(copied: Path) -> None:
    answer = json.loads((copied / "hunt.json").read_text())
    (copied / "hunt.json").write_text(json.dumps(answer | {"finding": None}))
    with pytest.raises(DamagedHunt, match="has no finding"):
        read_record(copied)


def test_a_hunt_that_found_nothing_has_no_finding_to_ask_for(fixed: HuntRecord) -> None:
    with pytest.raises(DamagedHunt, match="fixed has no finding"):
        _ = fixed.finding


def test_a_folder_without_a_hunt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="holds no finished hunt"):
        read_record(tmp_path)
