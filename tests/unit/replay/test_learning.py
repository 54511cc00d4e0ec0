"""What is normal is learned first, and a baseline that is none is refused."""

from pathlib import Path

import msgspec
import pytest

from capture.format.model import Capture, Note, Vantage
from replay.auth import TokenSource
from replay.causality import Waits, with_causality
from replay.engine.live import RunSettings
from replay.events import After, Kind
from replay.experiment import Experiment
from replay.learning import learn
from replay.oracles.checks import parse
from replay.oracles.verdict import Verdict
from replay.perturbations import Gap
from replay.planning import plan_from_capture
from replay.target import Target
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")


def session(*, status: int = 101, answer: str = "ok", ticks: tuple[float, ...] = ()) -> Capture:
    """A question, its answer, ticks in between."""
    return capture_of(
        C1.request(0),
        C1.response(1, status),
        C1.sent(10, "a", step=1),
        C1.said(12, answer),
        [C1.said(at_ms, {"type": "tick"}) for at_ms in ticks],
        C1.sent(100, "b", step=2),
        C1.said(102, "fine"),
        C1.left(200, step=3),
    )


HEALTHY, REFUSED = session(), session(status=503)


def experiment_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recorded: Capture, *runs: Capture
) -> Experiment:
    """Return an experiment whose runs go like `runs`, the last of them for ever."""
    monkeypatch.setattr("replay.learning.SETTLE_LADDER_S", (0, 0.001, 0.002))
    waiting = list(runs)

    async def next_run(*_: object) -> Capture:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    monkeypatch.setattr("replay.experiment.run_live", next_run)
    settings = RunSettings(Target("ws://127.0.0.1:9"), TokenSource())
    return Experiment(plan_from_capture(recorded), settings, tmp_path, None, lambda _: None)


async def test_a_server_that_goes_as_recorded_gives_a_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = experiment_of(tmp_path, monkeypatch, HEALTHY, HEALTHY)
    learned = await learn(experiment, HEALTHY)
    assert (learned.is_sound, learned.reasons) == (True, ())
    assert experiment.baseline is not None
    assert experiment.baseline.judge(HEALTHY).verdict is Verdict.PASS


async def test_a_server_that_remembers_gets_a_longer_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = experiment_of(tmp_path, monkeypatch, HEALTHY, HEALTHY, REFUSED, HEALTHY)
    learned = await learn(experiment, HEALTHY)
    assert learned.is_sound
    assert experiment.settle_s == 0.001
    assert "remembers a session" in learned.reasons[0]


async def test_another_server_than_the_recorded_one_is_no_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = experiment_of(tmp_path, monkeypatch, HEALTHY, REFUSED)
    learned = await learn(experiment, HEALTHY)
    assert not learned.is_sound
    assert "answered 503" in learned.reasons[0]
    assert experiment.baseline is None


def seated(seat: int, *, taken: int, status: int = 1000) -> Capture:
    """The server gives a seat, and hangs up on who takes another one."""
    ends = [C1.said(22, "yours"), C1.left(50, step=2)]
    return capture_of(
        C1.request(0),
        C1.response(1),
        C1.said(10, {"type": "welcome", "given": seat}),
        C1.sent(20, {"type": "take", "row": taken}, step=1),
        ends if status == 1000 else C1.dismissed(22, status),
    )


async def test_a_value_that_differs_from_run_to_run_is_the_servers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded = seated(17, taken=17)
    header = msgspec.structs.replace(recorded.header, vantage=Vantage.CLIENT)
    runs = [seated(seat, taken=17, status=4003) for seat in (23, 42, 61)]
    runs = [msgspec.structs.replace(run, header=header) for run in runs]
    experiment = experiment_of(tmp_path, monkeypatch, recorded, *runs, recorded)
    assert not experiment.plan.correlation.links
    learned = await learn(experiment, recorded)
    assert (learned.is_sound, learned.reasons) == (True, ())
    (link,) = experiment.plan.correlation.links
    assert (link.source.place, link.sinks[0].place) == ("$.given", "$.row")


async def test_patience_follows_from_how_slow_the_server_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = experiment_of(tmp_path, monkeypatch, HEALTHY, HEALTHY)
    await learn(experiment, HEALTHY)
    assert experiment.settings.patience_s == 0.4


async def test_patience_that_was_asked_for_is_not_learned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = experiment_of(tmp_path, monkeypatch, HEALTHY, HEALTHY)
    experiment.patience_s = experiment.settings.patience_s
    before_s = experiment.settings.patience_s
    await learn(experiment, HEALTHY)
    assert experiment.settings.patience_s == before_s != 0.4


async def test_no_step_waits_for_what_comes_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = session(ticks=(90,))
    runs = [session(ticks=ticks) for ticks in ((90,), (), (50, 95), (), (90,))]
    experiment = experiment_of(tmp_path, monkeypatch, once, *runs)
    assert experiment.plan.step("c1", 2).after.called == "type=tick"
    await learn(experiment, once)
    after = experiment.plan.step("c1", 2).after
    assert (after.kind, after.called) == (Kind.MESSAGE, "ok")


async def test_where_a_longer_run_ends_otherwise_shorter_ones_show_what_comes_unasked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ticking = session(ticks=(50,))
    runs = [HEALTHY] * 5 + [REFUSED, ticking, REFUSED, REFUSED, REFUSED, HEALTHY]
    experiment = experiment_of(tmp_path, monkeypatch, HEALTHY, *runs)
    assert (await learn(experiment, HEALTHY)).is_sound
    stretched = [trial for trial in experiment.trials if trial.purpose == "stretched"]
    assert len(stretched) == 5
    first, shorter = (trial.edits[0] for trial in stretched[:2])
    assert isinstance(first, Gap)
    assert isinstance(shorter, Gap)
    assert shorter.gap_ns < first.gap_ns
    assert experiment.baseline is not None
    assert experiment.baseline.judge(ticking).verdict is Verdict.PASS


async def test_a_check_that_unperturbed_runs_fail_accuses_no_timing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = experiment_of(tmp_path, monkeypatch, HEALTHY, HEALTHY)
    holds, fails, idle = map(
        parse, ("exactly_once:$", "order:events=fine,ok", "no_lost_message:of=nothing")
    )
    experiment.checks = (holds, fails, idle)
    learned = await learn(experiment, HEALTHY)
    assert learned.is_sound
    assert experiment.checks == (holds,)
    failing, left_out = learned.reasons
    assert "order:events=fine,ok fails without any change, in 5 of 5 unperturbed runs" in failing
    assert "no_lost_message:nothing could not tell in any unperturbed run" in left_out


async def test_a_plan_that_is_made_anew_is_corrected_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = session(ticks=(90,))
    runs = [session(ticks=ticks) for ticks in ((90,), (), (50, 95), (), (90,))]
    experiment = experiment_of(tmp_path, monkeypatch, once, *runs)
    by_hand = Waits("c1", 2, After(Kind.OPEN, "c1"), 7)
    experiment.amend = lambda plan: with_causality(plan, [by_hand])
    await learn(experiment, once)
    assert experiment.plan.step("c1", 1).after.called != "type=tick"
    assert str(experiment.plan.step("c1", 2).after) == "c1 open"


class Complaining:
    """A server's log that has the same traceback after each run."""

    def skip(self) -> None:
        pass

    def new_lines(self) -> list[str]:
        return [
            "ERROR: the handshake failed",
            "Traceback (most recent call last):",
            '  File "rooms.py", line 7, in join',
            "KeyError: 'no such room'",
        ]


async def test_what_goes_otherwise_than_recorded_is_told_with_what_the_server_says_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    experiment = experiment_of(tmp_path, monkeypatch, HEALTHY, REFUSED)
    experiment.log = Complaining()
    learned = await learn(experiment, HEALTHY)
    (reason,) = learned.reasons
    assert "answered 503, recorded 101" in reason
    assert reason.endswith("; the server's log: KeyError: 'no such room'")


async def test_what_is_otherwise_than_planned_in_each_run_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited = Note(at_ns=100, connection="", text="c1 step 2 waited in vain for c1 message 2")
    once = Note(at_ns=101, connection="", text="c1 step 1 waited in vain for c1 message 1")

    def noted(*notes: Note) -> Capture:
        return msgspec.structs.replace(HEALTHY, events=(*HEALTHY.events, *notes))

    experiment = experiment_of(tmp_path, monkeypatch, HEALTHY, noted(once, waited), noted(waited))
    assert (await learn(experiment, HEALTHY)).reasons == (
        "unperturbed runs are not as planned: c1 step 2 waited in vain for c1 message 2",
    )
