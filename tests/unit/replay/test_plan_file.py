import json
from pathlib import Path

import pytest

from replay.errors import PlanError
from replay.perturbations import Gap, HandshakeDelay
from replay.plan import After, Kind
from replay.plan_file import read_edits

EDITS = (
    Gap("c1", 2, After(Kind.MESSAGE, "c1", 1, "type=ack"), 5_500_000),
    HandshakeDelay("c1", 100_000_000),
)


def written(tmp_path: Path, content: object) -> Path:
    path = tmp_path / "plan.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


@pytest.mark.parametrize("wrap", [lambda edits: edits, lambda edits: {"finding": edits}])
def test_edits_of_a_plan_and_of_a_finding(tmp_path: Path, wrap: object) -> None:
    assert callable(wrap)
    content = wrap({"edits": [edit.to_json() for edit in EDITS]})
    assert read_edits(written(tmp_path, content)) == EDITS


def test_a_plan_may_be_empty(tmp_path: Path) -> None:
    assert read_edits(written(tmp_path, {"edits": []})) == ()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "is no JSON"),
        ([], 'has no "edits"'),
        ({}, 'has no "edits"'),
        ({"edits": 3}, 'has no "edits"'),
        ({"edits": [3]}, 'has no "edits"'),
        ({"finding": None}, 'has no "edits"'),
        ({"edits": [{"perturbation": "lag"}]}, "expected one of: gap, handshake_delay"),
        ({"edits": [{"perturbation": "gap"}]}, "is incomplete: 'connection'"),
    ],
)
def test_what_is_no_plan_is_explained(tmp_path: Path, content: object, complaint: str) -> None:
    with pytest.raises(PlanError, match=complaint):
        read_edits(written(tmp_path, content))


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"cannot read .*absent\.json: No such file"):
        read_edits(tmp_path / "absent.json")


def test_bytes_that_are_no_text_are_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(PlanError, match="is no JSON"):
        read_edits(path)
