from pathlib import Path

import pytest

from capture.format.model import Capture
from replay.auth import TokenSource
from replay.engine.live import RunSettings
from replay.experiment import Experiment
from replay.ledger import Ledger
from replay.oracles.differential import Baseline
from replay.plan import Plan
from replay.planning import plan_from_capture
from replay.target import Target
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
HEALTHY = capture_of(C1.opened(0), C1.sent(10, "a"), C1.said(12, "ok"), C1.left(400))
SILENT = capture_of(C1.opened(0), C1.sent(10, "a"), C1.left(400))


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ledger:
    records = [HEALTHY, SILENT, HEALTHY]

    async def next_record(plan: Plan, settings: RunSettings, out: Path) -> Capture:
        return records.pop(0)

    monkeypatch.setattr("replay.experiment.run_live", next_record)
    experiment = Experiment(
        plan_from_capture(HEALTHY),
        RunSettings(Target("ws://127.0.0.1:9"), TokenSource()),
        tmp_path,
        None,
        lambda trial: None,
        baseline=Baseline.learned([HEALTHY] * 3),
    )
    return Ledger(experiment, budget=5)


async def test_every_run_is_spent(ledger: Ledger) -> None:
    await ledger.control()
    await ledger.experiment.run((), "sweep")
    assert ledger.left == 3


async def test_the_rate_of_controls_is_of_unperturbed_runs_alone(ledger: Ledger) -> None:
    for _ in range(3):
        await ledger.control()
    rate = ledger.control_rate
    assert (rate.failures, rate.runs) == (1, 3)


def test_a_reason_is_told_once(ledger: Ledger) -> None:
    ledger.note("a", "b")
    ledger.note("a")
    assert ledger.reasons == ("a", "b")
