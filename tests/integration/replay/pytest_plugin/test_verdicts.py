"""What a run of marked tests comes to.

Each is a pytest of its own, against real servers.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from pathlib import Path

from capture.format.model import Frame
from capture.format.reader import read_capture
from tests.integration.replay.pytest_plugin.runs import (
    EDIT,
    MENDED,
    RACE,
    Run,
    printed,
    properties_of,
    talk,
)
from tests.integration.replay.sessions import saved


def test_a_race_fails_and_says_what_a_person_needs(run: Run, tree: Path) -> None:
    result = run(RACE, "--junitxml=report.xml")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            'deadheat: missing: c1: the type="ack" message did not come',
            "  fails     in 3 of 3 runs (95 % interval 29 to 100 %)",
            "  timing    c1 step 2 (message) comes 10.0 ms after c1 step 1 (recorded: 140.0 ms)",
            "  otherwise 5 unperturbed runs went as they should",
            "  after c1 step 2 (2):",
            '    expected  {"type": "ack", "of": "2"}',
            '    nearest   {"type": "ack", "of": "1"}',
            "              which was expected too, after step 1",
            "      $.of",
            '      - "2"',
            '      + "1"',
            "  this test pytest test_it.py::test_race",
        ]
    )
    properties = properties_of(tree / "report.xml")
    assert json.loads(properties.pop("edits")) == [EDIT]
    assert len(properties.pop("capture_sha256")) == 64
    assert properties == {
        "verdict": "fail",
        "capture": "captures/talk.capture.jsonl",
        "runs": "3",
        "failures": "3",
        "unknown": "0",
        "rate_low": "0.2924",
        "rate_high": "1.0",
        "window_low_ms": "0.0",
        "window_high_ms": "60.0",
    }


def test_the_commands_that_it_prints_do_what_they_say(run: Run, tree: Path) -> None:
    lines = printed(run(RACE)).splitlines()
    for label in ("see it", "once more"):
        # Where CI is set, pytest's summary says it all once more.
        line = next(line for line in lines if line.strip().startswith(label))
        _, *arguments = shlex.split(line.strip().removeprefix(label))
        done = subprocess.run(
            [sys.executable, "-m", "deadheat", *arguments],
            cwd=tree,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert "c1" in done.stdout or "run: run.capture.jsonl" in done.stdout
    events = read_capture(tree / "run.capture.jsonl").events
    said = [event for event in events if isinstance(event, Frame) and event.opcode == "text"]
    assert len(said) == 3  # both questions, one answer: the race


def test_the_mended_server_passes_with_the_same_timing(run: Run) -> None:
    run(RACE, path=MENDED).assert_outcomes(passed=1)


def test_a_server_that_does_not_do_as_recorded_fails_without_being_perturbed(
    run: Run, tree: Path
) -> None:
    saved(talk("done"), tree / "captures/other.capture.jsonl")
    source = """
@pytest.mark.deadheat("captures/other.capture.jsonl", patience=0.3)
def test_other(): pass
"""
    result = run(source, path=MENDED)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "deadheat: the server does not do as recorded, even unperturbed",
            "  after c1 step 1 (1):",
            '    expected  {"type": "done", "of": "1"}',
            '    came      {"type": "ack", "of": "1"}',
            "      $.type",
            '      - "done"',
            '      + "ack"',
        ]
    )


def test_the_recording_alone_is_judged_by_in_one_run(run: Run, tree: Path) -> None:
    source = """
@pytest.mark.deadheat("captures/talk.capture.jsonl", learn=False)
def test_alone(deadheat_replay):
    assert len(deadheat_replay.runs) == 1
    assert deadheat_replay.rate.failures == 0
"""
    run(source, "--deadheat-runs-dir", "kept", path=MENDED).assert_outcomes(passed=1)
    assert len(list((tree / "kept").rglob("*.capture.jsonl"))) == 1


def test_the_body_sees_the_runs_and_may_fail_by_itself(run: Run) -> None:
    source = """
@pytest.mark.deadheat("captures/talk.capture.jsonl", expect=None, runs=2)
def test_body(deadheat_replay):
    assert [run.header.vantage for run in deadheat_replay.runs] == ["client"] * 2
    assert deadheat_replay.recorded.header.vantage == "edge"
    assert not deadheat_replay.edits
    assert False, "the body was reached"
"""
    result = run(source)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*the body was reached*"])


def test_an_expected_failure_of_pytest_and_a_skip_are_left_alone(run: Run) -> None:
    run("@pytest.mark.xfail(strict=True)" + RACE).assert_outcomes(xfailed=1)
    run("@pytest.mark.skip" + RACE).assert_outcomes(skipped=1)


def test_a_method_of_unittest(run: Run) -> None:
    source = """
import unittest

class TestOld(unittest.TestCase):
    @pytest.mark.deadheat(
        "captures/talk.capture.jsonl", finding="captures/talk.finding.json", runs=2
    )
    def test_old(self):
        self.reached = True
"""
    run(source).assert_outcomes(failed=1)
    run(source, path=MENDED).assert_outcomes(passed=1)
