"""A finding becomes a test: what it says, how often it runs, and what is refused."""

from __future__ import annotations

import ast
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.errors import NotACapture, UnwritableOutput
from capture.format.model import Capture
from capture.format.writer import CaptureWriter
from replay.errors import PlanError, ReplayError
from replay.oracles.verdict import Verdict
from replay.pytest_export import Source, module_text, source_from, write_test
from replay.pytest_plugin.expectation import expectation_from
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
RECORDED = capture_of(C1.opened(0), C1.sent(10, "a"), C1.said(12, "b"), C1.left(40))
FINDING: dict[str, Any] = {
    "edits": [
        {
            "perturbation": "gap",
            "connection": "c1",
            "step": 1,
            "after": "c1 open",
            "gap_ms": 5.0,
        }
    ],
    "window": {
        "connection": "c1",
        "step": 1,
        "after": "c1 open",
        "low_ms": 0.0,
        "high_ms": None,
        "recorded_ms": 9.0,
    },
    "rate": {"failures": 10, "runs": 10, "low": 0.6915, "high": 1.0},
    "symptom": {"kind": "missing", "detail": 'c1: the type="b" message did not come'},
}


def saved(capture: Capture, path: Path) -> Path:
    with CaptureWriter(path, capture.header) as writer:
        for event in capture.events:
            writer.write(event)
    return path


@pytest.fixture
def finding(tmp_path: Path) -> Path:
    saved(RECORDED, tmp_path / "lost.capture.jsonl")
    path = tmp_path / "lost.finding.json"
    path.write_text(json.dumps(FINDING))
    return path


@pytest.fixture
def hunt(tmp_path: Path) -> Path:
    path = tmp_path / "hunt"
    path.mkdir()
    saved(RECORDED, path / "recorded.capture.jsonl")
    control = {"failures": 0, "runs": 12, "low": 0, "high": 0.26}
    answer = {"verdict": "reproduced", "control": control, "finding": FINDING}
    (path / "hunt.json").write_text(json.dumps(answer))
    (path / "finding.json").write_text(json.dumps(FINDING))
    (path / "runs.jsonl").write_text("")
    return path


def mark_of(text: str) -> dict[str, Any]:
    """The arguments of the mark in a module."""
    (test,) = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)]
    (mark,) = test.decorator_list
    assert isinstance(mark, ast.Call)
    named = {each.arg: ast.literal_eval(each.value) for each in mark.keywords if each.arg}
    return {"capture": ast.literal_eval(mark.args[0]), **named}


def test_a_hunt_becomes_a_test_with_its_files(hunt: Path, tmp_path: Path) -> None:
    out = tmp_path / "tests" / "test_lost_message.py"
    files = write_test(source_from(hunt), out)
    captures = out.parent / "captures"
    copy, found = captures / "lost_message.capture.jsonl", captures / "lost_message.finding.json"
    assert files == [copy, found, out]
    assert copy.read_bytes() == (hunt / "recorded.capture.jsonl").read_bytes()
    assert json.loads(found.read_text()) == FINDING
    assert mark_of(out.read_text()) == {
        "capture": "captures/lost_message.capture.jsonl",
        "finding": "captures/lost_message.finding.json",
        "expect": "unperturbed",
        "runs": 4,
    }
    assert ast.get_docstring(ast.parse(out.read_text())) == (
        "A race: c1: the type='b' message did not come\n\n"
        "It shows when c1 step 1 comes 0.0 to ? ms after c1 open (recorded: 9.0 ms).\n"
        "Then 10 of 10 runs failed (95 % interval 69 to 100 %); unperturbed 0 of 12 did.\n"
        "The test fails as long as that is so, and passes once it is mended."
    )
    assert sorted(path.name for path in out.parent.rglob("*") if path.is_file()) == [
        copy.name,
        found.name,
        out.name,
    ]


@pytest.mark.parametrize(("low", "runs"), [(0.95, 2), (0.5, 7), (0.2, 21), (0.01, 50), (0.0, 50)])
def test_the_rarer_the_failure_the_more_runs(low: float, runs: int) -> None:
    rate = {**FINDING["rate"], "low": low}
    text = module_text(Source(Path("x"), RECORDED, {**FINDING, "rate": rate}), "x")
    assert mark_of(text)["runs"] == runs


def test_a_finding_finds_the_capture_beside_it(finding: Path, hunt: Path, tmp_path: Path) -> None:
    assert source_from(finding).capture == tmp_path / "lost.capture.jsonl"
    assert source_from(hunt / "finding.json").capture == hunt / "recorded.capture.jsonl"


def test_a_finding_alone_asks_for_its_capture(finding: Path, tmp_path: Path) -> None:
    elsewhere = (tmp_path / "lost.capture.jsonl").rename(tmp_path / "other.capture.jsonl")
    with pytest.raises(ReplayError, match="pass --capture CAPTURE"):
        source_from(finding)
    assert source_from(finding, elsewhere).capture == elsewhere


def test_edits_by_hand_and_a_capture_alone_become_tests_too(finding: Path, tmp_path: Path) -> None:
    finding.write_text(json.dumps({"edits": FINDING["edits"]}))
    by_hand = mark_of(module_text(source_from(finding), "x"))
    assert by_hand["expect"] == "unperturbed"
    assert "runs" not in by_hand
    alone = module_text(source_from(tmp_path / "lost.capture.jsonl"), "x")
    assert mark_of(alone) == {"capture": "captures/x.capture.jsonl"}
    assert alone.startswith('"""A recorded session goes as recorded."""\n')


def test_edits_that_do_not_fit_the_capture_are_refused(finding: Path, tmp_path: Path) -> None:
    other = capture_of(Connection("c7").opened(0))
    with pytest.raises(PlanError, match="no connection 'c1'"):
        source_from(finding, saved(other, tmp_path / "other.capture.jsonl"))


def test_a_hunt_without_a_finding_is_refused(hunt: Path) -> None:
    (hunt / "hunt.json").write_text(json.dumps({"verdict": "not reproduced", "finding": None}))
    with pytest.raises(ReplayError, match="the hunt ended not reproduced, there is no finding"):
        source_from(hunt)


def test_what_is_no_capture_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no capture")
    with pytest.raises(NotACapture):
        source_from(tmp_path / "notes.txt")


def test_a_capture_with_secrets_is_refused() -> None:
    header = msgspec.structs.replace(RECORDED.header, secrets_kept=True)
    with pytest.raises(ReplayError, match="holds secrets"):
        Source(Path("x"), msgspec.structs.replace(RECORDED, header=header))


def test_nothing_is_overwritten_unasked(finding: Path, tmp_path: Path) -> None:
    out = tmp_path / "out" / "test_lost.py"
    write_test(source_from(finding), out)
    out.unlink()
    before = {path: path.read_bytes() for path in out.parent.rglob("*") if path.is_file()}
    changed = replace(source_from(finding), finding={**FINDING, "window": None})
    with pytest.raises(UnwritableOutput, match="exists: name another file, or pass --overwrite"):
        write_test(changed, out)
    assert {path: path.read_bytes() for path in before} == before
    assert not out.exists()
    write_test(changed, out, overwrite=True)
    assert out.exists()


def test_a_capture_may_stay_where_it_is(finding: Path, tmp_path: Path) -> None:
    (tmp_path / "captures").mkdir()
    moved = (tmp_path / "lost.capture.jsonl").rename(tmp_path / "captures/lost.capture.jsonl")
    content = moved.read_bytes()
    write_test(source_from(finding, moved), tmp_path / "test_lost.py")
    assert moved.read_bytes() == content


@pytest.mark.parametrize("name", ["lost.py", "test_lost.txt"])
def test_a_file_that_pytest_would_not_collect_is_refused(finding: Path, name: str) -> None:
    with pytest.raises(UnwritableOutput, match=r"expected a file that pytest collects: test_X\.py"):
        write_test(source_from(finding), finding.with_name(name))


def test_a_folder_that_cannot_be_written_is_one_clear_error(finding: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UnwritableOutput, match="cannot write"):
        write_test(source_from(finding), tmp_path / "file" / "test_x.py")


@pytest.mark.parametrize(("stem", "name"), [("test_a-b c", "a_b_c"), ("test_class", "race_class")])
def test_the_name_of_the_test_is_one(finding: Path, tmp_path: Path, stem: str, name: str) -> None:
    out = tmp_path / "t" / f"{stem}.py"
    write_test(source_from(finding), out)
    assert f"def test_{name}() -> None:" in out.read_text()
    assert (out.parent / "captures" / f"{name}.capture.jsonl").exists()


@given(st.text())
def test_no_detail_breaks_the_module(detail: str) -> None:
    symptom = {"kind": "missing", "detail": detail}
    text = module_text(Source(Path("x"), RECORDED, {**FINDING, "symptom": symptom}), "x")
    assert mark_of(text)["runs"] == 4
    assert max(len(line) for line in text.splitlines()) <= 100


def test_a_finding_of_an_application_says_so(hunt: Path, tmp_path: Path) -> None:
    for name in ("hunt.json", "finding.json"):
        answer = json.loads((hunt / name).read_text())
        found = {**answer, "target": "shop:app", "fidelity": "asgi"}
        (hunt / name).write_text(json.dumps(found))
    for source in (source_from(hunt), source_from(hunt / "finding.json")):
        assert source.application == "shop:app"
        assert "# It was found in shop:app, which may be the target" in module_text(source, "x")


def expected_in(text: str) -> Any:  # noqa: ANN401 - any JSON
    """Return what the mark of a module expects of the runs."""
    return mark_of(text)["expect"]


def test_what_only_a_check_saw_is_looked_at_by_that_check() -> None:
    symptom = {"kind": "extra", "detail": "twice", "check": "exactly_once:$.id"}
    text = module_text(Source(Path("x"), RECORDED, {**FINDING, "symptom": symptom}), "x")
    assert expected_in(text) == ["unperturbed", "exactly_once:$.id"]


def test_what_only_the_log_tells_is_looked_for_there() -> None:
    symptom = {"kind": "log", "detail": '16:07:35 ERROR cache "a-b", page 12 (lost)'}
    text = module_text(Source(Path("x"), RECORDED, {**FINDING, "symptom": symptom}), "x")
    assert "a fixture deadheat_log" in text
    standard, check = expected_in(text)
    assert standard == "unperturbed"
    (pattern,) = expectation_from([standard, check]).checks
    other = ['2026-11-23T08:00:01Z ERROR cache "a-b", page 7 (lost)']
    assert pattern.judge(RECORDED, other).verdict is Verdict.FAIL
    assert pattern.judge(RECORDED, ["ERROR cache full"]).verdict is Verdict.PASS
    # A log that nobody reads proves nothing.
    assert pattern.judge(RECORDED, None).verdict is Verdict.UNKNOWN
