import asyncio
import json
from dataclasses import replace
from pathlib import Path

import pytest

from capture.format.model import Capture
from replay.auth import TokenSource
from replay.engine.live import RunSettings
from replay.experiment import Experiment, Trial
from replay.fault_proxy import Blackhole
from replay.log_tail import LogTail
from replay.oracles.checks import parse
from replay.oracles.differential import RECOVERING_RUNS, Baseline
from replay.oracles.log import LogBaseline
from replay.oracles.verdict import Verdict
from replay.perturbations import Gap, Perturbation, Reset, ServiceFault
from replay.plan import After, Kind, Plan
from replay.planning import plan_from_capture
from replay.target import Target
from tests.unit.replay.captures import MS, Connection, capture_of

C1 = Connection("c1")
HEALTHY = capture_of(
    C1.opened(0), C1.sent(10, "a", step=1, planned_at_ns=10 * MS), C1.said(12, "ok"), C1.left(400)
)
LOST = capture_of(C1.opened(0), C1.sent(10, "a", step=1, planned_at_ns=10 * MS), C1.left(400))
LATE = capture_of(
    C1.opened(0), C1.sent(40, "a", step=1, planned_at_ns=10 * MS), C1.said(42, "ok"), C1.left(400)
)
EDIT = Gap("c1", 1, After(Kind.OPEN, "c1"), 0)


class Runs:
    """Stands in for the live engine: returns the given records one after the other."""

    def __init__(self, log: Path, *records: Capture, line: str = "") -> None:
        self.records = list(records)
        self.plans: list[Plan] = []
        self.settings: list[RunSettings] = []
        self.log, self.line = log, line

    async def __call__(self, plan: Plan, settings: RunSettings, out: Path) -> Capture:
        self.plans.append(plan)
        self.settings.append(settings)
        if self.line:
            with self.log.open("a") as file:
                file.write(self.line + "\n")
        return self.records.pop(0)


@pytest.fixture
def experiment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Experiment:
    monkeypatch.setattr("replay.experiment.LOG_SETTLE_S", 0)
    (tmp_path / "server.log").touch()
    return Experiment(
        plan=plan_from_capture(HEALTHY),
        settings=RunSettings(Target("ws://127.0.0.1:9"), TokenSource(), about=(("who", "me"),)),
        directory=tmp_path,
        log=LogTail(tmp_path / "server.log"),
        on_trial=[].append,
        baseline=Baseline.learned([HEALTHY] * 3),
        log_baseline=LogBaseline.learned([[]]),
    )


async def trials(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch, *records: Capture, line: str = ""
) -> list[Trial]:
    runs = Runs(experiment.directory / "server.log", *records, line=line)
    monkeypatch.setattr("replay.experiment.run_live", runs)
    return [await experiment.run((EDIT,), "sweep") for _ in records]


async def test_each_run_is_judged_against_the_baseline(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    judged = await trials(experiment, monkeypatch, HEALTHY, LOST)
    assert [trial.verdict for trial in judged] == [Verdict.PASS, Verdict.FAIL]
    assert [trial.number for trial in judged] == [1, 2]


async def test_without_a_baseline_nothing_passes(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment.baseline = None
    (trial,) = await trials(experiment, monkeypatch, HEALTHY)
    assert trial.verdict is Verdict.UNKNOWN


async def test_a_run_whose_sends_were_late_is_unknown(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (trial,) = await trials(experiment, monkeypatch, LATE)
    assert trial.verdict is Verdict.UNKNOWN
    assert trial.judgement.reason == "a send went out 30.0 ms late, this machine is too busy"


async def test_a_judge_that_crashes_knows_nothing(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def judge(self, run: Capture) -> None:
            raise LookupError("no")

    experiment.baseline = Broken()  # type: ignore[assignment]
    (trial,) = await trials(experiment, monkeypatch, HEALTHY)
    assert trial.verdict is Verdict.UNKNOWN
    assert "crashed" in trial.judgement.reason


async def test_the_log_accuses_too_and_its_secrets_are_left_out(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl"
    (trial,) = await trials(experiment, monkeypatch, HEALTHY, line=f"TypeError: token={token}")
    assert [symptom.kind for symptom in trial.judgement.symptoms] == ["log"]
    assert token not in (experiment.directory / "runs.jsonl").read_text()


async def test_log_lines_from_before_the_run_are_not_its_own(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    (experiment.directory / "server.log").write_text("TypeError: of somebody else\n")
    (trial,) = await trials(experiment, monkeypatch, HEALTHY)
    assert trial.log == ()
    assert trial.verdict is Verdict.PASS


class LateComplaint(Runs):
    """Each run leaves a line in the log some time after its end."""

    after_s = 0.03

    async def __call__(self, plan: Plan, settings: RunSettings, out: Path) -> Capture:
        record = self.records.pop(0)

        def complain() -> None:
            with self.log.open("a") as file:
                file.write(f"TypeError: after {len(self.records)} more\n")

        asyncio.get_running_loop().call_later(self.after_s, complain)
        return record


async def test_what_the_server_logs_while_it_rests_is_of_the_run_before(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = LateComplaint(experiment.directory / "server.log", HEALTHY, HEALTHY)
    monkeypatch.setattr("replay.experiment.run_live", runs)
    experiment.settle_s = 0.15
    told = [(await experiment.run((EDIT,), "sweep")).log for _ in range(2)]
    assert told == [("TypeError: after 1 more",), ("TypeError: after 0 more",)]


async def test_who_worked_for_a_client_that_left_is_heard_out(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = LateComplaint(experiment.directory / "server.log", HEALTHY, HEALTHY)
    monkeypatch.setattr("replay.experiment.run_live", runs)
    experiment.settings = replace(experiment.settings, patience_s=0.15)
    trial = await experiment.run((Reset("c1", 2),), "sweep")
    assert trial.log == ("TypeError: after 1 more",)


async def test_the_edits_are_applied_and_written_down(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = Runs(experiment.directory / "server.log", HEALTHY)
    monkeypatch.setattr("replay.experiment.run_live", runs)
    await experiment.run((EDIT,), "sweep")
    assert runs.plans[0] == EDIT.apply(experiment.plan)
    about = dict(runs.settings[0].about)
    assert json.loads(about.pop("edits")) == [EDIT.to_json()]
    assert about == {"who": "me", "purpose": "sweep"}


async def test_the_table_has_a_line_a_run(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    await trials(experiment, monkeypatch, HEALTHY, LOST)
    table = (experiment.directory / "runs.jsonl").read_text().splitlines()
    first, second = (json.loads(line) for line in table)
    assert (first["run"], first["verdict"], first["symptoms"]) == (1, "pass", [])
    assert first["edits"] == [EDIT.to_json()]
    assert first["lateness"]["worst_ns"] == 0
    assert second["symptoms"][0]["kind"] == "missing"
    assert second["capture"] == "runs/0002.capture.jsonl"


async def test_whoever_listens_hears_of_every_run(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[Trial] = []
    experiment.on_trial = heard.append
    assert await trials(experiment, monkeypatch, HEALTHY, LOST) == heard == experiment.trials


async def test_a_check_that_a_user_named_judges_along(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment.checks = (parse("exactly_once:$"), parse("log_pattern:Type"))
    twice = capture_of(HEALTHY.events, C1.said(60, "ok"))
    experiment.baseline = Baseline.learned([HEALTHY, twice])
    healthy, failing = await trials(experiment, monkeypatch, HEALTHY, twice)
    assert healthy.verdict is Verdict.PASS
    assert failing.verdict is Verdict.FAIL
    assert [symptom.check for symptom in failing.judgement.symptoms] == ["exactly_once:$"]
    lines = (experiment.directory / "runs.jsonl").read_text().splitlines()
    assert [json.loads(line)["checks"] for line in lines] == [
        {"exactly_once:$": "pass", "log_pattern:Type": "pass"},
        {"exactly_once:$": "fail", "log_pattern:Type": "pass"},
    ]


async def test_a_check_sees_the_log_of_its_run(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment.checks = (parse("log_pattern:saved"),)
    (trial,) = await trials(experiment, monkeypatch, HEALTHY, line="saved it twice")
    assert [symptom.detail for symptom in trial.judgement.symptoms] == [
        "line 1 of the log: saved it twice"
    ]


async def test_a_check_that_cannot_tell_makes_no_run_pass(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment.checks = (parse("no_lost_message:of=nothing"),)
    (trial,) = await trials(experiment, monkeypatch, HEALTHY)
    assert trial.verdict is Verdict.UNKNOWN
    assert "matches nothing" in trial.judgement.reason


async def test_the_outcomes_of_checks_are_known_before_the_baseline_is(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment.baseline, experiment.checks = None, (parse("exactly_once:$"),)
    (trial,) = await trials(experiment, monkeypatch, HEALTHY)
    assert trial.verdict is Verdict.UNKNOWN
    assert [outcome.verdict for outcome in trial.outcomes] == ["pass"]


def heard(*said_ms: float, left_ms: float = 400) -> Capture:
    """A run in which the client asks at 10 ms, and when the server said something."""
    return capture_of(
        C1.opened(0),
        [C1.said(at_ms, "ok") for at_ms in said_ms if at_ms < 10],
        C1.sent(10, "a", step=1, planned_at_ns=10 * MS),
        [C1.said(at_ms, "ok") for at_ms in said_ms if at_ms > 10],
        C1.left(left_ms),
    )


async def test_what_was_not_heard_is_heard_before_the_next_run(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    purposes: list[str] = []
    experiment.on_trial = lambda trial: purposes.append(trial.purpose)
    gone, usual, late = heard(left_ms=11), heard(12), heard(5, 12)
    runs = Runs(experiment.directory / "server.log", gone, late, usual, gone, late, late)
    monkeypatch.setattr("replay.experiment.run_live", runs)
    verdicts = [(await experiment.run((EDIT,), "sweep")).verdict for _ in range(4)]
    assert purposes == ["sweep", "hearing", "sweep", "sweep", "hearing", "sweep"]
    # In the last one something comes late that everybody had heard.
    assert verdicts == [Verdict.PASS, Verdict.PASS, Verdict.PASS, Verdict.FAIL]
    stays = runs.plans[1].of("c1")[-1]
    assert stays.gap_ns > experiment.plan.of("c1")[-1].gap_ns


async def test_of_a_server_that_keeps_nothing_one_run_asks(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    purposes: list[str] = []
    experiment.on_trial = lambda trial: purposes.append(trial.purpose)
    gone, usual = heard(left_ms=11), heard(12)
    runs = Runs(experiment.directory / "server.log", gone, usual, gone, gone, heard(5, 12))
    monkeypatch.setattr("replay.experiment.run_live", runs)
    verdicts = [(await experiment.run((EDIT,), "sweep")).verdict for _ in range(4)]
    assert purposes == ["sweep", "hearing", "sweep", "sweep", "sweep"]
    assert verdicts[:3] == [Verdict.PASS] * 3


async def test_no_run_follows_the_last_one_that_the_budget_has(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    purposes: list[str] = []
    experiment.on_trial = lambda trial: purposes.append(trial.purpose)
    experiment.most_runs = 3
    runs = Runs(experiment.directory / "server.log", *[heard(12)] * 4)
    monkeypatch.setattr("replay.experiment.run_live", runs)
    for _ in range(2):
        await experiment.run((Reset("c1", 1),), "sweep")
    # The second has no room for a look at what it left behind.
    assert purposes == ["next session", "sweep", "sweep"]


async def test_what_a_server_could_not_note_as_heard_it_may_say_again(
    experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, again = heard(12), heard(5, 12)
    found_back = [usual] * (RECOVERING_RUNS + 1)
    records = (usual, usual, again, again, *found_back, again)
    runs = Runs(experiment.directory / "server.log", *records)
    monkeypatch.setattr("replay.experiment.run_live", runs)
    # Of a server that keeps nothing, as was seen, nobody asks whether it does.
    experiment._keeps_unheard = False
    cut_off = ServiceFault("redis", After(Kind.OPEN, "c1"), fault=Blackhole())
    edits: list[tuple[Perturbation, ...]] = [(), (cut_off,), *[()] * (len(records) - 2)]
    verdicts = [(await experiment.run(each, "sweep")).verdict for each in edits]
    assert verdicts == [Verdict.PASS] * (len(records) - 1) + [Verdict.FAIL]
