"""`deadheat demo`, as a person runs it: from nothing to a report that names the race."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.other_project import command, project

ACCEPT_ERROR = 'WebSocket is not connected. Need to call "accept" first.'
JWT = re.compile(rb"eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.")
GRACE_MS = 400
TIMEOUT_S = 240


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Return the folder that a demo made, and what it printed."""
    out = tmp_path_factory.mktemp("demo")
    done = subprocess.run(
        [sys.executable, "-m", "deadheat", "demo", "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "progress belongs on a terminal only"
    return out / "demo-1", done.stdout


def hunt_of(directory: Path) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads((directory / "hunt.json").read_text())
    return answer


def test_ends_with_the_path_of_the_report_and_what_was_found(demo: tuple[Path, str]) -> None:
    directory, printed = demo
    path, found = printed.splitlines()[-2:]
    assert path == f"report: {directory / 'report.html'}"
    assert ACCEPT_ERROR in found


def test_names_the_race_with_window_rate_and_control(demo: tuple[Path, str]) -> None:
    answer = hunt_of(demo[0] / "hunt-incident")
    finding = answer["finding"]
    assert answer["verdict"] == "reproduced"
    assert finding["edits"][0]["connection"] == "c2"
    assert finding["window"]["low_ms"] == 0
    assert finding["window"]["high_ms"] == pytest.approx(GRACE_MS, rel=0.2)
    rate = finding["rate"]
    assert rate["failures"] == rate["runs"] >= 5
    assert answer["control"]["failures"] == 0
    assert ACCEPT_ERROR in finding["symptom"]["detail"]


def test_fixed_build_shows_none_under_the_same_timing(demo: tuple[Path, str]) -> None:
    incident, fixed = (hunt_of(demo[0] / f"hunt-{build}") for build in ("incident", "fixed"))
    trials = [json.loads(line) for line in (demo[0] / "hunt-fixed/runs.jsonl").open()]
    same = [trial for trial in trials if trial["edits"] == incident["finding"]["edits"]]
    # A run that this machine was too busy for is unknown, and counts for nothing.
    verdicts = [trial["verdict"] for trial in same if trial["verdict"] != "unknown"]
    assert len(same) == 10
    assert verdicts == ["pass"] * len(verdicts)
    assert len(verdicts) >= 5
    assert fixed["verdict"] == "not reproduced"


def test_report_opens_offline_and_says_it(demo: tuple[Path, str]) -> None:
    html = (demo[0] / "report.html").read_text()
    assert "<svg" in html
    assert "Need to call" in html
    assert re.findall(r'(?:src|href)="https?://', html) == []


def test_no_token_is_left_in_any_file(demo: tuple[Path, str]) -> None:
    files = [path for path in demo[0].rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path.name for path in files if JWT.search(path.read_bytes())] == []


def test_its_finding_becomes_a_test_that_tells_the_builds_apart(
    demo: tuple[Path, str], tmp_path: Path
) -> None:
    hunt = str(demo[0] / "hunt-incident")
    done = command(
        "deadheat", "export", hunt, "--to", "pytest", "--out", "test_chat.py", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    for build, status in (("incident", 1), ("fixed", 0)):
        project(tmp_path, build)
        done = command("pytest", "-q", cwd=tmp_path)
        assert done.returncode == status, done.stdout
        assert ("deadheat: refused: c2: " in done.stdout) is (build == "incident")
