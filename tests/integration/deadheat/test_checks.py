"""`--check` on `deadheat replay` and `deadheat hunt`, from outside."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from capture.format.model import Capture
from tests.integration.deadheat.command_line import deadheat, last_line, one_clear_line
from tests.integration.deadheat.test_replay import at, nobody
from tests.integration.replay.sessions import saved
from tests.servers.process import serving
from tests.unit.replay.captures import Connection, Events, capture_of

__all__ = ["nobody"]
C1 = Connection("c1")
FOUND, CANNOT_TELL = 3, 4
HURRIED = {"perturbation": "gap", "connection": "c1", "step": 2, "after": "c1 step 1", "gap_ms": 1}


def session(fault: str) -> Capture:
    """Two questions 250 ms apart; closer together than 100 ms the server goes wrong."""
    events: list[Events] = [
        C1.request(0, f"ws://recorded.example/{fault}?ms=100"),
        C1.response(2),
    ]
    for number, at_ms in enumerate((20, 270)):
        key, seq = f"q{number}", 2 * number + 1
        started = {"type": "started", "id": key, "seq": seq}
        said = {**started, "type": "answer", "seq": seq + 1, "user": "ann", "of": "hello"}
        events += [
            C1.sent(at_ms, {"id": key, "user": "ann", "text": "hello"}),
            C1.said(at_ms + 1, started),
            C1.said(at_ms + 2, said),
        ]
    return capture_of(events, C1.left(700))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "server.log"


@pytest.fixture
def unreliable(log: Path) -> Iterator[str]:
    with serving("unreliable_server.py", log=log) as port:
        yield at(port)


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    path = tmp_path / "finding.json"
    path.write_text(json.dumps({"edits": [HURRIED], "rate": {"failures": 5, "runs": 5}}))
    return path


def arguments(
    tmp_path: Path, fault: str, target: str, *checks: str, command: str = "replay"
) -> list[str | Path]:
    recorded = tmp_path / f"{fault}.jsonl"
    if not recorded.exists():
        saved(session(fault), recorded)
    out = tmp_path / f"{command}-{fault}"
    named = [part for check in checks for part in ("--check", check)]
    return [command, recorded, "--target", target, "--out", out, "--overwrite", *named]


def test_a_line_a_check_and_the_exit_status(tmp_path: Path, unreliable: str, plan: Path) -> None:
    replay = arguments(tmp_path, "twice", unreliable, "exactly_once:by=$.id", "close_codes:1000")
    healthy = deadheat(*replay, "--fail-on-finding")
    assert (healthy.returncode, healthy.stderr) == (0, "")
    verdicts = [line.split()[:2] for line in healthy.stdout.splitlines()[2:4]]
    assert verdicts == [["pass", "exactly_once:$.id"], ["pass", "close_codes:1000"]]

    failing = deadheat(*replay, "--plan", plan)
    assert failing.returncode == 0
    assert "fail    exactly_once:$.id  $.id=q1 came 2 times: c1 message" in failing.stdout
    assert deadheat(*replay, "--plan", plan, "--fail-on-finding").returncode == FOUND


def test_a_check_that_cannot_tell_is_no_success(tmp_path: Path, unreliable: str) -> None:
    replay = arguments(tmp_path, "none", unreliable, "no_lost_message:of=chat", "log_pattern:x")
    done = deadheat(*replay)
    assert (done.returncode, done.stdout.count("unknown ")) == (0, 2)
    assert "no message of a client matches chat" in done.stdout
    assert "name it with --log FILE" in done.stdout
    assert deadheat(*replay, "--fail-on-finding").returncode == CANNOT_TELL


def test_outcomes_as_json(tmp_path: Path, unreliable: str, plan: Path, log: Path) -> None:
    checks = ("order:$.seq", "log_pattern:went wrong")
    replay = arguments(tmp_path, "reordered", unreliable, *checks)
    done = deadheat(*replay, "--plan", plan, "--log", log, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    found = {event["check"]: event for event in events if event["event"] == "check"}
    (symptom,) = found["order:$.seq"]["symptoms"]
    assert (symptom["kind"], symptom["connection"]) == ("reordered", "c1")
    times = [event["at_ns"] for event in events if event["event"] == "frame"]
    assert symptom["at_ns"] in times
    assert "went wrong: reordered" in found["log_pattern:went wrong"]["symptoms"][0]["detail"]
    assert events[-1]["checks"] == dict.fromkeys(checks, "fail")


def test_checks_of_the_configuration_and_a_function_of_ones_own(
    tmp_path: Path, unreliable: str
) -> None:
    (tmp_path / "deadheat.toml").write_text(
        '[checks]\nnamed = ["handshake_within:20s", {check = "close_codes", allow = [1000]}]\n'
    )
    (tmp_path / "checks.py").write_text(
        "def two_questions(run):\n"
        "    asked = [e for e in run.events if 'hello' in (getattr(e, 'text', '') or '')]\n"
        "    assert len(asked) == 3, f'{len(asked)} questions'\n"
    )
    replay = arguments(tmp_path, "none", unreliable, "checks.py:two_questions")
    done = deadheat(*replay, cwd=tmp_path)
    assert [line.split()[0] for line in done.stdout.splitlines()[2:5]] == ["pass", "pass", "fail"]
    assert "checks.py:two_questions: 4 questions" in done.stdout


@pytest.mark.parametrize(
    ("check", "complaint"),
    [
        ("exactly_one:by=$.id", "there is no check 'exactly_one', expected one of"),
        ("handshake_within:2", "expected a time such as 2s or 500ms"),
        ("absent.py:check", "cannot load absent.py"),
    ],
)
def test_a_check_that_cannot_be_understood_is_one_clear_line(
    tmp_path: Path, nobody: str, check: str, complaint: str
) -> None:
    # Nobody listens there: a run that began would complain of that.
    for command in ("replay", "hunt"):
        done = deadheat(*arguments(tmp_path, "none", nobody, check, command=command))
        assert complaint in one_clear_line(done)
        assert not (tmp_path / f"{command}-none").exists()


def hunted(
    tmp_path: Path, target: str, plan: Path | None, log: Path, *checks: str
) -> dict[str, Any]:
    hunt = arguments(tmp_path, "none", target, *checks, command="hunt")
    measured = ("--plan", plan) if plan is not None else ()
    # Two more than a fix needs: a busy machine makes one or the other unknown.
    few = ("--budget", "70", "--rate-runs", "7", "--stop-at-first")
    return last_line(deadheat(*hunt, "--log", log, *measured, *few, "--json"))


def test_a_hunt_finds_what_only_a_check_sees(tmp_path: Path, unreliable: str, log: Path) -> None:
    fails_anyway = "order:events=answer,started"
    answer = hunted(tmp_path, unreliable, None, log, "log_pattern:went wrong", fails_anyway)
    assert answer["verdict"] == "reproduced", answer
    assert answer["control"]["failures"] == 0
    assert answer["finding"]["symptom"]["kind"] == "log"
    assert "went wrong: none" in answer["finding"]["symptom"]["detail"]
    window = answer["finding"]["window"]
    assert (window["connection"], window["step"]) == ("c1", 2)
    assert window["low_ms"] == 0
    assert 80 <= window["high_ms"] <= 120, window
    (note,) = [reason for reason in answer["reasons"] if fails_anyway in reason]
    assert "fails without any change, in 5 of 5 unperturbed runs" in note
    table = tmp_path / "hunt-none" / "runs.jsonl"
    trials = [json.loads(line) for line in table.read_text().splitlines()]
    failing = [trial for trial in trials if trial["verdict"] == "fail"]
    assert {s["check"] for trial in failing for s in trial["symptoms"]} == {
        "log_pattern:went wrong"
    }


def test_a_finding_measured_again_says_how_many_clean_runs_a_fix_needs(
    tmp_path: Path, unreliable: str, log: Path, plan: Path
) -> None:
    clean = hunted(tmp_path, unreliable, plan, log)
    assert clean["verdict"] == "not reproduced", clean
    assert clean["comparison"]["clean_runs_needed"] == 5
    assert clean["comparison"]["is_fixed"], clean["comparison"]
    assert clean["comparison"]["after"]["runs"] >= 5

    failing = hunted(tmp_path, unreliable, plan, log, "log_pattern:went wrong")
    assert failing["verdict"] == "reproduced", failing
    assert not failing["comparison"]["is_fixed"]
