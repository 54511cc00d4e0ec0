"""The runs of one test, and what they come to; `deadheat_replay` gives it to the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from capture.format.model import Capture
from replay.experiment import Experiment, Trial, doubt_of
from replay.oracles.mismatch import Mismatch
from replay.oracles.verdict import Judgement, Verdict
from replay.past_runs import RUNS_FOLDER
from replay.perturbations import Perturbation
from replay.pytest_plugin.expectation import Expectation, Standard, strictest
from replay.pytest_plugin.normal import Normal, Place, judged_alone, lost_kinds
from replay.statistics import Rate, rate

# A run that came too late on a busy machine is tried again, but not for ever.
SPARE_RUNS = 3


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """One run with its judgement and its record on disk."""

    run: Capture
    judgement: Judgement
    path: Path

    @property
    def verdict(self) -> Verdict:
        """What it came to."""
        return self.judgement.verdict

    def shows(self, text: str) -> bool:
        """Whether it fails in something that has this text: a kind of symptom, or its detail."""
        said = [f"{symptom.kind}: {symptom.detail}" for symptom in self.judgement.symptoms]
        return self.verdict is Verdict.FAIL and any(
            text in each for each in (*said, self.judgement.reason)
        )


@dataclass(slots=True)
class Replay:
    """What a test replays and what came of it; without runs until the test's body begins.

    `departures` are the messages in which the server does not do as recorded even unperturbed.
    """

    recorded: Capture
    edits: tuple[Perturbation, ...]
    expectation: Expectation
    normal: Normal
    wanted: int
    judged: list[JudgedRun] = field(default_factory=list)

    @property
    def runs(self) -> tuple[Capture, ...]:
        """The record of every run, those included that were too late to count."""
        return tuple(each.run for each in self.judged)

    @property
    def known(self) -> list[JudgedRun]:
        """The runs that pass or fail."""
        return [each for each in self.judged if each.verdict is not Verdict.UNKNOWN]

    @property
    def failing(self) -> list[JudgedRun]:
        """The runs that fail."""
        return [each for each in self.judged if each.verdict is Verdict.FAIL]

    @property
    def rate(self) -> Rate:
        """How often it fails, with the interval of 95 %."""
        return rate(len(self.failing), len(self.known))

    @property
    def departures(self) -> Sequence[Mismatch]:
        """What the server does not do as recorded, as far as the test cares."""
        match self.expectation.standard:
            case Standard.RECORDED:
                return self.normal.departures
            case Standard.UNPERTURBED:
                return lost_kinds(self.normal)
        return ()

    @property
    def verdict(self) -> Verdict:
        """Whether the test passes; too few runs that are known make it unknown."""
        if self.normal.problem or self.departures:
            return Verdict.FAIL
        if self.expectation.failing is not None:
            return self._verdict_on_failing(self.expectation.failing)
        if self.failing:
            return Verdict.FAIL
        return Verdict.PASS if len(self.known) >= self.wanted else Verdict.UNKNOWN

    def _verdict_on_failing(self, text: str) -> Verdict:
        if any(each.shows(text) for each in self.failing):
            return Verdict.PASS
        return Verdict.FAIL if len(self.known) >= self.wanted else Verdict.UNKNOWN


async def carry_out(replay: Replay, place: Place, directory: Path) -> None:
    """Do the runs of a test; nothing when the server does not even unperturbed do as it should.

    Raises PlanError, NoToken, TargetRefused.
    """
    normal = replay.normal
    if normal.problem or replay.departures:
        return
    (directory / RUNS_FOLDER).mkdir(parents=True, exist_ok=True)
    experiment = Experiment(
        plan=normal.plan,
        settings=normal.settings,
        directory=directory,
        log=place.server_log(),
        on_trial=lambda trial: None,
        settle_s=normal.settle_s,
        baseline=normal.baseline,
        log_baseline=normal.log_baseline,
    )
    for _ in range(2 * replay.wanted + SPARE_RUNS):
        trial = await experiment.run(replay.edits, "test")
        lines = None if experiment.log is None else trial.log
        judgement = _judgement(trial, replay, lines)
        replay.judged.append(JudgedRun(trial.run, judgement, trial.path))
        if len(replay.known) == replay.wanted:
            return


def _judgement(trial: Trial, replay: Replay, lines: Sequence[str] | None) -> Judgement:
    if doubt := doubt_of(trial.run):
        return Judgement(Verdict.UNKNOWN, reason=doubt)
    checks = [check.judge_safely(trial.run, lines) for check in replay.expectation.checks]
    if replay.expectation.standard is Standard.NONE:
        return strictest(checks)
    if replay.normal.baseline is None:
        return strictest([judged_alone(replay.recorded, trial.run), *checks])
    return strictest([trial.judgement, *checks])
