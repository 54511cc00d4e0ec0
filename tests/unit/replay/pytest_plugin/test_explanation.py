"""What a failing test prints, word for word where a person looks."""

from dataclasses import replace
from pathlib import Path

import pytest

from replay.oracles.verdict import Judgement, Verdict
from replay.perturbations import HandshakeDelay, Storm
from replay.plan import Pace
from replay.planning import plan_from_capture
from replay.pytest_plugin.expectation import expectation_from
from replay.pytest_plugin.explanation import Whereabouts, edit_in_words, explanation
from replay.pytest_plugin.normal import learned, unlearned
from replay.pytest_plugin.replay import JudgedRun, Replay, carry_out
from tests.unit.replay.captures import MS
from tests.unit.replay.pytest_plugin.sessions import EDIT, PLACE, RECORDED, plays, server
from tests.unit.replay.virtual import Server

WHERE = Whereabouts(
    test="test_x.py::test_x",
    capture="captures/x y.capture.jsonl",
    target="ws://127.0.0.1:9",
    plan=Path("/tmp/edits.json"),
    options=("--pace", "burst"),
)


async def explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answering: Server, expect: object = "recorded"
) -> str:
    plays(monkeypatch, answering)
    normal = await learned(RECORDED, PLACE, Pace.CAUSAL, tmp_path / "normal")
    replay = Replay(RECORDED, (EDIT,), expectation_from(expect), normal, 2)
    await carry_out(replay, PLACE, tmp_path)
    return explanation(replay, WHERE)


async def test_a_race(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = await explained(tmp_path, monkeypatch, server(loses_within_ms=50))
    assert (
        text
        == f"""\
deadheat: missing: c1: the type="ack" message did not come

  fails     in 2 of 2 runs (95 % interval 16 to 100 %)
  timing    c1 step 2 (message) comes 5.0 ms after c1 step 1 (recorded: 100.0 ms)
  capture   captures/x y.capture.jsonl
  target    ws://127.0.0.1:9
  otherwise 5 unperturbed runs went as they should

  after c1 step 2 (two):
    expected  {{"type": "ack", "of": "two"}}
    nearest   {{"type": "ack", "of": "one"}}
              which was expected too, after step 1
      $.of
      - "two"
      + "one"

  see it    deadheat show {tmp_path}/runs/0001.capture.jsonl
  once more deadheat replay 'captures/x y.capture.jsonl' --plan /tmp/edits.json \
--target ws://127.0.0.1:9 --pace burst --out run.capture.jsonl
  this test pytest test_x.py::test_x"""
    )


async def test_a_server_that_is_not_the_recorded_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await explained(tmp_path, monkeypatch, server(answers="nack"))
    assert text.startswith("deadheat: the server does not do as recorded, even unperturbed\n")
    assert '    expected  {"type": "ack", "of": "one"}\n' in text
    assert '    came      {"type": "nack", "of": "one"}\n      $.type\n      - "ack"' in text
    assert "record anew with `deadheat capture proxy`" in text


async def test_a_handshake_that_is_refused_unperturbed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = await explained(tmp_path, monkeypatch, server(at_open=503))
    assert "the handshake of c1 was answered 503" in text


def replay_of(judgement: Judgement, expect: object, answering: Server) -> Replay:
    from tests.unit.replay.virtual import play

    run = play(plan_from_capture(RECORDED), answering)
    normal = unlearned(RECORDED, PLACE, Pace.CAUSAL)
    judged = [JudgedRun(run, judgement, Path("/tmp/run"))]
    return Replay(RECORDED, (), expectation_from(expect), normal, 1, judged)


def test_a_refused_handshake_says_what_came_and_no_more() -> None:
    failing = Judgement(Verdict.FAIL, reason="refused")
    text = explanation(replay_of(failing, "recorded", server(at_open=500)), WHERE)
    assert "  c1 step 0 (open):\n    expected  101\n    came      500\n" in text
    assert "after c1 step 1" not in text
    assert "timing    as recorded" in text


def test_a_check_of_the_test_says_what_it_said() -> None:
    failing = Judgement(Verdict.FAIL, reason="my_check: too slow")
    text = explanation(replay_of(failing, lambda run: False, server()), WHERE)
    assert text.startswith("deadheat: my_check: too slow\n")
    assert "expected" not in text


def test_unknown_says_why() -> None:
    late = Judgement(Verdict.UNKNOWN, reason="a send went out 80.0 ms late")
    text = explanation(replay_of(late, "recorded", server()), WHERE)
    assert text.startswith("deadheat: unknown: only 0 of 1 runs can be judged\n")
    assert "80.0 ms late" in text


def test_a_failure_that_was_expected_and_did_not_come() -> None:
    text = explanation(replay_of(Judgement(Verdict.PASS), "fails: refused", server()), WHERE)
    assert "of 1 runs no run shows 'refused'" in text
    assert "If the race is gone, leave expect out" in text


async def test_a_test_that_can_record_says_how(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, server(answers="nack"))
    normal = await learned(RECORDED, PLACE, Pace.CAUSAL, tmp_path)
    replay = Replay(RECORDED, (), expectation_from("recorded"), normal, 1)
    text = explanation(replay, replace(WHERE, can_record=True))
    assert "pytest test_x.py::test_x --deadheat-mode rewrite" in text


def test_a_handshake_delay_in_words() -> None:
    edit = HandshakeDelay("c1", 250 * MS)
    assert edit_in_words(edit, plan_from_capture(RECORDED)) == (
        "c1 asks for the upgrade 250.0 ms after TCP connect (recorded: 0.0 ms)"
    )


def test_any_other_edit_by_its_name_and_values() -> None:
    edit = Storm(copies=20, within_ns=100 * MS)
    words = edit_in_words(edit, plan_from_capture(RECORDED))
    assert words == "storm: copies 20, within_ms 100"


def test_long_messages_are_cut() -> None:
    def refuses(run: object) -> str:
        return "x"

    failing = Judgement(Verdict.FAIL, reason="other")
    text = explanation(replay_of(failing, "recorded", server(answers="y" * 1000)), WHERE)
    assert max(len(line) for line in text.splitlines()) < 400
    assert "… (1" in text
