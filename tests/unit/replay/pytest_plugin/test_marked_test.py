"""One test from its mark to its figures, against servers without sockets."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from capture.format.writer import CaptureWriter
from replay.errors import PlanError, ReplayError
from replay.oracles.verdict import Verdict
from replay.plan import Pace
from replay.pytest_plugin.mark import Case
from replay.pytest_plugin.marked_test import Files, MarkedTest, Mode
from replay.pytest_plugin.normal import Normals
from tests.unit.replay.pytest_plugin.sessions import EDIT, PLACE, RECORDED, plays, server


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "x.capture.jsonl"
    with CaptureWriter(path, RECORDED.header) as writer:
        for event in RECORDED.events:
            writer.write(event)
    return path


def marked(capture: Path, finding: Path | None = None, **options: Any) -> MarkedTest:  # noqa: ANN401
    fields = {name: options.pop(name) for name in ("mode", "runs_override") if name in options}
    return MarkedTest(
        name="test_x.py::test_x",
        case=Case(capture.name, **options),
        files=Files(capture, finding, capture.parent / "runs of x"),
        place=PLACE,
        normals=Normals(),
        **fields,
    )


async def test_a_finding_is_replayed_and_its_figures_are_noted(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, server(loses_within_ms=50))
    finding = capture.with_name("x.finding.json")
    window = {"low_ms": 0.0, "high_ms": None}
    finding.write_text(json.dumps({"finding": {"edits": [EDIT.to_json()], "window": window}}))
    test = marked(capture, finding)
    await test.carry_out()
    assert test.edits == (EDIT,)
    assert [judgement.verdict for judgement in test.judgements] == [Verdict.FAIL] * 5
    properties = test.properties()
    assert json.loads(properties["deadheat.edits"]) == [EDIT.to_json()]
    assert properties["deadheat.failures"] == properties["deadheat.runs"] == 5
    assert properties["deadheat.window_low_ms"] == 0.0
    assert "deadheat.window_high_ms" not in properties
    sha256 = hashlib.sha256(capture.read_bytes()).hexdigest()
    assert properties["deadheat.capture_sha256"] == sha256
    plan = json.loads(test.whereabouts().plan.read_text())
    assert plan == {"edits": [EDIT.to_json()]}


@pytest.mark.parametrize(
    ("options", "runs"),
    [({}, 1), ({"edits": (EDIT,)}, 5), ({"runs": 2}, 2), ({"runs": 2, "runs_override": 3}, 3)],
)
async def test_how_often(
    capture: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any], runs: int
) -> None:
    plays(monkeypatch, server())
    test = marked(capture, learns=False, **options)
    await test.carry_out()
    assert len(test.runs) == test.rate.runs == runs


async def test_an_edit_that_does_not_fit_is_found_before_anything_is_sent(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans = plays(monkeypatch, server())
    with pytest.raises(PlanError, match="c1 has steps 0 to 3"):
        await marked(capture, edits=(EDIT.__class__("c1", 9, EDIT.after, 0),)).carry_out()
    assert plans == []


def test_before_the_body_there_are_no_runs(capture: Path) -> None:
    with pytest.raises(ReplayError, match="when the body of the test begins"):
        _ = marked(capture).runs


async def test_a_capture_that_is_missing_and_cannot_be_made(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="nothing to make it with"):
        await marked(tmp_path / "new.capture.jsonl", mode=Mode.ONCE).carry_out()
    with pytest.raises(ReplayError, match="cannot read"):
        await marked(tmp_path / "new.capture.jsonl").carry_out()


async def test_rewriting_leaves_alone_what_it_cannot_make(
    capture: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, server())
    before = capture.read_bytes()
    test = marked(capture, mode=Mode.REWRITE, learns=False)
    await test.carry_out()
    assert capture.read_bytes() == before
    assert test.replay.verdict is Verdict.PASS


async def test_the_pace_is_part_of_the_command_to_repeat_it(capture: Path) -> None:
    assert marked(capture, pace=Pace.BURST).whereabouts().options == ("--pace", "burst")
    assert marked(capture).whereabouts().options == ()
