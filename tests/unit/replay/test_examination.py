"""What a failing run comes to, against servers of a few lines in virtual time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from capture.format.model import Capture
from replay.auth import TokenSource
from replay.engine.live import RunSettings
from replay.examination import CONFIRMING_RUNS, Examination
from replay.experiment import Experiment, Trial
from replay.finding import Finding
from replay.ledger import Ledger
from replay.oracles.differential import Baseline
from replay.oracles.verdict import Verdict
from replay.perturbations import Burst, Gap, Perturbation
from replay.plan import After, Kind, Plan
from replay.planning import plan_from_capture
from replay.target import Target
from tests.unit.replay.captures import MS, Connection, capture_of
from tests.unit.replay.virtual import Server, Session, play

C1 = Connection("c1")
FIRST, SECOND = After(Kind.STEP, "c1", 1), After(Kind.STEP, "c1", 2)
PLAN = plan_from_capture(
    capture_of(
        C1.opened(0),
        C1.sent(100, '{"n": 1}'),
        C1.sent(200, '{"n": 2}'),
        C1.sent(400, '{"n": 3}'),
        C1.left(900),
    )
)
Examined = Callable[..., object]


def acknowledges(session: Session, payload: bytes) -> None:
    session.say({"type": "ack", "of": payload.decode()}, after_ms=3)


def loses_within(ms: float, chance: Callable[[], float] = lambda: 0.0) -> Server:
    """It loses what comes that soon after the message before."""

    def on_message(session: Session, payload: bytes) -> None:
        before_ns = session.state.get("before_ns")
        session.state["before_ns"] = session.at_ns
        is_soon = before_ns is not None and session.at_ns - before_ns < ms * MS
        if not is_soon or chance() >= 0.5:
            acknowledges(session, payload)

    return Server(on_message)


@pytest.fixture
def examined(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Examined:
    """Return a function that has an edit fail once and examines that."""

    async def examine(
        server: Server, *edits: Perturbation, budget: int = 200
    ) -> tuple[Finding | None, list[Trial]]:
        async def carried_out(plan: Plan, settings: RunSettings, out: Path) -> Capture:
            return play(plan, server, 400)

        monkeypatch.setattr("replay.experiment.run_live", carried_out)
        (tmp_path / "runs").mkdir(exist_ok=True)
        usual = play(PLAN, Server(acknowledges))
        trials: list[Trial] = []
        experiment = Experiment(
            plan_from_capture(usual),
            RunSettings(Target("ws://127.0.0.1:9"), TokenSource()),
            tmp_path,
            None,
            trials.append,
            baseline=Baseline.learned([usual] * 3),
        )
        ledger = Ledger(experiment, budget)
        for _ in range(20):
            failing = await experiment.run(edits, "sweep")
            if failing.verdict is Verdict.FAIL:
                break
        trials.clear()
        return await Examination(ledger, 10, 0).examine(failing, ()), trials

    return examine


async def test_a_failure_by_chance_is_dropped_after_a_few_runs(examined: Examined) -> None:
    failed = iter([0.0])
    server = loses_within(50, lambda: next(failed, 1.0))
    finding, trials = await examined(server, Gap("c1", 2, FIRST, 0))  # type: ignore[misc]
    assert finding is None
    assert len(trials) <= CONFIRMING_RUNS + 3


async def test_a_failure_every_other_time_is_kept(examined: Examined) -> None:
    server = loses_within(50, Random(1).random)
    finding, _ = await examined(server, Gap("c1", 2, FIRST, 0))  # type: ignore[misc]
    assert finding is not None
    assert 0 < finding.rate.failures < finding.rate.runs


async def test_what_a_burst_showed_is_told_as_a_gap(examined: Examined) -> None:
    finding, trials = await examined(loses_within(50), Burst("c1", 1, 2))  # type: ignore[misc]
    (edit,) = finding.edits
    assert (edit.name, edit.step) == ("gap", 2)
    assert finding.window.high_ns == pytest.approx(50 * MS, rel=0.1)
    assert "plainer" in {trial.purpose for trial in trials}


async def test_of_several_edits_those_that_it_takes_are_left(examined: Examined) -> None:
    def on_message(session: Session, payload: bytes) -> None:
        came_ns = session.state.setdefault("came_ns", [])
        came_ns.append(session.at_ns)
        if len(came_ns) < 3 or came_ns[-1] - came_ns[-3] > 80 * MS:
            acknowledges(session, payload)

    second, third = Gap("c1", 2, FIRST, 20 * MS), Gap("c1", 3, SECOND, 10 * MS)
    later = Gap("c1", 1, After(Kind.OPEN, "c1"), 200 * MS)
    finding, trials = await examined(Server(on_message), later, second, third)  # type: ignore[misc]
    assert [edit.step for edit in finding.edits] == [2, 3]
    assert "shrink" in {trial.purpose for trial in trials}
    # The third may come 80 ms after the first, which the second follows by 20.
    assert (finding.window.step, finding.window.low_ns) == (2, 0)
    assert finding.window.high_ns == pytest.approx(70 * MS, rel=0.1)


async def test_without_a_value_there_is_no_window(examined: Examined) -> None:
    def on_message(session: Session, payload: bytes) -> None:
        came_ns = session.state.setdefault("came_ns", [])
        came_ns.append(session.at_ns)
        # Three at once are too many; two are not, so that no single gap shows it.
        if len(came_ns) < 3 or came_ns[-1] - came_ns[-3] > 50 * MS:
            acknowledges(session, payload)

    three = Burst("c1", 1, 3)
    finding, trials = await examined(Server(on_message), three)  # type: ignore[misc]
    assert finding.edits == (three,)
    assert (finding.window.low_ns, finding.window.high_ns) == (None, None)
    assert "window" not in {trial.purpose for trial in trials}
