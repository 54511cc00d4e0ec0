"""What is normal comes from unperturbed runs, and they are held against the recording."""

from pathlib import Path

import pytest

from replay.errors import PlanError
from replay.oracles.verdict import SymptomKind, Verdict
from replay.plan import Pace
from replay.planning import plan_from_capture
from replay.pytest_plugin.normal import Normals, judged_alone, learned, lost_kinds, unlearned
from tests.unit.replay.captures import capture_of
from tests.unit.replay.pytest_plugin.sessions import C1, PLACE, RECORDED, ack, plays, server
from tests.unit.replay.virtual import play

CAUSAL = Pace.CAUSAL


async def test_a_server_that_does_as_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, server())
    normal = await learned(RECORDED, PLACE, CAUSAL, tmp_path)
    assert (normal.problem, normal.departures, normal.pushes) == ("", (), frozenset())
    assert normal.baseline is not None
    assert len(normal.controls) == 5
    assert (tmp_path / "runs.jsonl").exists()


async def test_a_server_that_says_something_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, server(answers="nack"))
    normal = await learned(RECORDED, PLACE, CAUSAL, tmp_path)
    assert normal.problem == ""
    lost = [mismatch for mismatch in normal.departures if not mismatch.is_extra]
    assert [mismatch.odd.kind for mismatch in lost] == ["type=ack", "type=ack"]
    assert [mismatch.odd.step for mismatch in lost_kinds(normal)] == [1, 2]


async def test_a_changed_value_is_no_lost_kind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, server())
    other = capture_of(C1.opened(0), C1.sent(10, "one"), C1.said(12, ack("another")), C1.left(500))
    normal = await learned(other, PLACE, CAUSAL, tmp_path)
    assert len(normal.departures) == 1
    assert lost_kinds(normal) == []


async def test_a_server_that_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plays(monkeypatch, server(at_open=503))
    normal = await learned(RECORDED, PLACE, CAUSAL, tmp_path)
    assert "the handshake of c1 was answered 503" in normal.problem
    assert (normal.baseline, normal.departures) == (None, ())


async def test_it_is_learned_once_for_a_capture_a_target_and_a_pace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plans, normals = plays(monkeypatch, server()), Normals()
    first = await normals.of("sha", RECORDED, PLACE, CAUSAL, tmp_path / "a")
    learning = len(plans)
    assert await normals.of("sha", RECORDED, PLACE, CAUSAL, tmp_path / "b") is first
    assert len(plans) == learning
    await normals.of("other", RECORDED, PLACE, CAUSAL, tmp_path / "c")
    await normals.of("sha", RECORDED, PLACE, Pace.RECORDED, tmp_path / "d")
    assert len(plans) == 3 * learning
    normals.forget()
    assert await normals.of("sha", RECORDED, PLACE, CAUSAL, tmp_path / "e") is not first


async def test_the_rest_that_a_server_needs_is_known_once_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, server(), server(at_open=409), server())
    normals = Normals()
    assert normals.settle_s(PLACE) == 0
    await normals.of("sha", RECORDED, PLACE, CAUSAL, tmp_path)
    assert normals.settle_s(PLACE) == 0.001


def test_alone_the_recording_is_what_a_run_has_to_be() -> None:
    plan = plan_from_capture(RECORDED)
    assert judged_alone(RECORDED, play(plan, server())).verdict is Verdict.PASS
    lossy = judged_alone(RECORDED, play(plan, server(loses_within_ms=150)))
    assert [symptom.kind for symptom in lossy.symptoms] == [SymptomKind.MISSING]
    assert unlearned(RECORDED, PLACE, CAUSAL).expected["c1"].replies[1].step == 2


def test_alone_an_end_that_was_not_recorded_is_not_missed() -> None:
    stopped = capture_of(C1.opened(0), C1.sent(10, "one"), C1.said(12, ack("one")))
    run = play(plan_from_capture(stopped), server())
    assert judged_alone(stopped, run).verdict is Verdict.PASS


def test_without_a_handshake_there_is_nothing_to_replay() -> None:
    with pytest.raises(PlanError, match="nothing to send again"):
        unlearned(capture_of(C1.sent(1, "one")), PLACE, CAUSAL)
