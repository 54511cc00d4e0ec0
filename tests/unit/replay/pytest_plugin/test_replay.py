"""The runs of a test: how many, and when the test passes; unknown is never a pass."""

from dataclasses import replace
from pathlib import Path

import pytest

from capture.format.model import Capture
from replay.oracles.verdict import Judgement, Symptom, SymptomKind, Verdict
from replay.plan import Pace
from replay.pytest_plugin.expectation import Expectation, expectation_from
from replay.pytest_plugin.normal import learned, unlearned
from replay.pytest_plugin.replay import JudgedRun, Replay, carry_out
from tests.unit.replay.captures import Connection, capture_of, ns
from tests.unit.replay.pytest_plugin.sessions import EDIT, PLACE, RECORDED, plays, server

PASSES, UNKNOWN = Judgement(Verdict.PASS), Judgement(Verdict.UNKNOWN, reason="too late")
LOST = Judgement(Verdict.FAIL, (Symptom(SymptomKind.MISSING, "c1: ack did not come", "c1"),))


def replay_of(*judgements: Judgement, expect: object = "unperturbed", wanted: int = 3) -> Replay:
    return Replay(
        recorded=RECORDED,
        edits=(),
        expectation=expectation_from(expect),
        normal=unlearned(RECORDED, PLACE, Pace.CAUSAL),
        wanted=wanted,
        judged=[JudgedRun(RECORDED, judgement, Path()) for judgement in judgements],
    )


@pytest.mark.parametrize(
    ("judgements", "verdict"),
    [
        ((PASSES, PASSES, PASSES), Verdict.PASS),
        ((PASSES, LOST, PASSES), Verdict.FAIL),
        ((UNKNOWN, LOST), Verdict.FAIL),
        ((PASSES, UNKNOWN, PASSES), Verdict.UNKNOWN),
        ((), Verdict.UNKNOWN),
    ],
)
def test_one_failing_run_fails_and_too_few_known_ones_are_unknown(
    judgements: tuple[Judgement, ...], verdict: Verdict
) -> None:
    assert replay_of(*judgements).verdict is verdict


@pytest.mark.parametrize(
    ("expect", "judgements", "verdict"),
    [
        ("fails", (PASSES, LOST, PASSES), Verdict.PASS),
        ("fails: ack did not come", (LOST,), Verdict.PASS),
        ("fails: missing", (LOST,), Verdict.PASS),
        ("fails: refused", (LOST, PASSES, PASSES), Verdict.FAIL),
        ("fails", (PASSES, PASSES, PASSES), Verdict.FAIL),
        ("fails", (PASSES, UNKNOWN, UNKNOWN), Verdict.UNKNOWN),
    ],
)
def test_a_failure_that_is_expected(
    expect: str, judgements: tuple[Judgement, ...], verdict: Verdict
) -> None:
    assert replay_of(*judgements, expect=expect).verdict is verdict


def test_the_rate_is_of_the_known_runs() -> None:
    measured = replay_of(LOST, UNKNOWN, PASSES).rate
    assert (measured.failures, measured.runs) == (1, 2)


async def carried_out(
    tmp_path: Path, expect: object = "recorded", *, learns: bool = True, wanted: int = 2
) -> Replay:
    normal = unlearned(RECORDED, PLACE, Pace.CAUSAL)
    if learns:
        normal = await learned(RECORDED, PLACE, Pace.CAUSAL, tmp_path / "normal")
    replay = Replay(RECORDED, (EDIT,), expectation_from(expect), normal, wanted)
    await carry_out(replay, PLACE, tmp_path)
    return replay


@pytest.mark.parametrize("learns", [True, False])
async def test_a_race_fails_and_without_it_the_same_timing_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, learns: bool
) -> None:
    plays(monkeypatch, server(loses_within_ms=50))
    broken = await carried_out(tmp_path / "broken", learns=learns)
    assert (broken.verdict, len(broken.failing), len(broken.runs)) == (Verdict.FAIL, 2, 2)
    assert broken.failing[0].shows("missing: c1")
    plays(monkeypatch, server())
    assert (await carried_out(tmp_path / "mended", learns=learns)).verdict is Verdict.PASS


async def test_a_server_that_is_not_the_recorded_one_is_not_asked_further(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plays(monkeypatch, server(answers="nack"))
    for expect in ("recorded", "unperturbed"):
        replay = await carried_out(tmp_path / expect, expect)
        assert (replay.verdict, replay.runs) == (Verdict.FAIL, ())
    assert (await carried_out(tmp_path / "none", None)).verdict is Verdict.PASS


async def test_checks_count_beside_the_standard_and_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuses(run: Capture) -> str:
        return "not content"

    plays(monkeypatch, server())
    beside = await carried_out(tmp_path / "a", ["recorded", refuses])
    alone = await carried_out(tmp_path / "b", refuses, learns=False)
    assert beside.failing[0].judgement.reason == "refuses: not content"
    assert (alone.verdict, alone.rate.failures) == (Verdict.FAIL, 2)
    assert alone.failing[0].shows("not content")


async def test_a_late_run_is_tried_again_but_not_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    c1 = Connection("c1")
    late = capture_of(c1.opened(0), c1.sent(90, "one", step=1, planned_at_ns=ns(10)))
    runs = [late, RECORDED, late, RECORDED]

    async def run(*_: object) -> Capture:
        return runs.pop(0) if runs else late

    monkeypatch.setattr("replay.experiment.run_live", run)
    retried = await carried_out(tmp_path / "a", None, learns=False)
    assert (retried.verdict, len(retried.runs), retried.rate.runs) == (Verdict.PASS, 4, 2)
    given_up = await carried_out(tmp_path / "b", None, learns=False)
    assert (given_up.verdict, len(given_up.runs)) == (Verdict.UNKNOWN, 7)
    assert "80.0 ms late" in given_up.judged[0].judgement.reason


def test_departures_count_by_the_standard() -> None:
    replay = replay_of()
    assert replay.departures == []
    assert replace(replay, expectation=Expectation()).departures == ()
