"""The hunt: learn what is normal, sweep for failing changes, examine each.

Wires search, experiment and examination together, and decides nothing that one of them can.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from capture.errors import UnwritableOutput
from capture.format.model import Capture
from capture.format.reader import read_capture
from replay.auth import TokenSource
from replay.determinism import first_difference
from replay.engine.carrier import Carrier, Sockets
from replay.engine.live import RunSettings
from replay.engine.remarks import about_services
from replay.engine.surroundings import Surroundings
from replay.errors import NoToken, ReplayError, TargetRefused
from replay.examination import (
    CONFIRMING_RUNS,
    LEAST_RESERVE,
    MIN_RATE_RUNS,
    WINDOW_RUNS,
    Examination,
    varied_of,
)
from replay.experiment import Experiment, Trial
from replay.failure import rate_of, verdict_on, with_log
from replay.finding import Answer, Finding, HuntResult
from replay.hunt_directory import HuntDirectory, plan_to_json
from replay.learning import LEARNING_RUNS, learn, learn_more
from replay.ledger import Ledger
from replay.limits import UNLIMITED, Limits
from replay.log_tail import ServerLog
from replay.oracles.checks import Check, text_of
from replay.oracles.verdict import SymptomKind, Verdict
from replay.past_runs import PastRuns
from replay.perturbations import Perturbation
from replay.plan import Plan
from replay.planning import plan_from_capture
from replay.search import Edits
from replay.search.candidates import NOTHING_ELSE, Changeable
from replay.search.portfolio import Portfolio
from replay.search.sweep import Sweep
from replay.search.trace import NO_TRACE, Trace
from replay.statistics import Rate, differs
from replay.target import Target
from replay.workers import Workers

FIRST_CONTROLS = 2
# One run of the sweep at least.
MIN_BUDGET = LEARNING_RUNS + FIRST_CONTROLS + 1 + LEAST_RESERVE
CONTROL_EVERY = 8
DETERMINISM_RUNS = 2
# How many runs are begun for each process.
AHEAD = 4


@dataclass(frozen=True, slots=True)
class HuntSettings:
    """`budget` bounds the number of runs; `rate_runs` is how many the final rate rests on.

    With `edits` nothing is searched: only how often these edits fail is measured. Raises
    ReplayError.
    """

    budget: int = 200
    seed: int = 0
    rate_runs: int = 20
    edits: tuple[Perturbation, ...] = ()
    # How much longer than recorded a run waits for the server; None is learned from its runs.
    patience_s: float | None = None
    stop_at_first: bool = False
    # How many runs of the sweep may go on at the same time.
    parallel: int = 1

    def __post_init__(self) -> None:
        if self.budget < MIN_BUDGET:
            raise ReplayError(
                f"the budget is {self.budget} runs, expected at least {MIN_BUDGET}: "
                f"{LEARNING_RUNS} show what is normal, {LEAST_RESERVE} confirm a failure"
            )


@dataclass(slots=True)
class Hunt:
    """One hunt over an experiment. `changeable` is what of the surroundings may be changed.

    `on_finding` hears of each finding at once, and of how often unperturbed runs failed until then.
    """

    experiment: Experiment
    recorded: Capture
    settings: HuntSettings
    changeable: Changeable = NOTHING_ELSE
    on_finding: Callable[[Finding, Rate], None] = lambda finding, control: None
    _ledger: Ledger = field(init=False)
    _examination: Examination = field(init=False)
    _sweep: Sweep = field(init=False)
    _findings: list[tuple[Finding, Trial]] = field(default_factory=list)
    _known_complaints: set[tuple[str, str, str]] = field(default_factory=set)
    _deferred: list[Trial] = field(default_factory=list)
    _unproven: int = 0

    def __post_init__(self) -> None:
        self.experiment.most_runs = self.settings.budget
        self._ledger = Ledger(self.experiment, self.settings.budget)
        self._examination = Examination(self._ledger, self.settings.rate_runs, self.settings.seed)
        self._sweep = self._new_sweep()

    @property
    def _reserve(self) -> int:
        """How many runs are kept for what comes after a failure was seen."""
        wanted = CONFIRMING_RUNS + WINDOW_RUNS + 2 * MIN_RATE_RUNS
        return max(LEAST_RESERVE, min(wanted, (self.settings.budget - LEARNING_RUNS) // 2))

    def _new_sweep(self) -> Sweep:
        chance, trials = random.Random(self.settings.seed), self.experiment.trials
        trace = Trace.of(trials[-1].run) if trials else NO_TRACE
        plan = self.experiment.plan
        # Where a run costs no waiting the budget is there to be used.
        grows_on = self.experiment.settings.carrier.is_repeatable
        return Sweep(plan, self.changeable, chance, trace, Portfolio(plan, chance), grows_on)

    async def run(self) -> HuntResult:
        """Carry the hunt out. Raises what the first run raises."""
        try:
            return self._result(await self._hunt())
        except TargetRefused as error:
            if not self.experiment.trials:
                raise
            last = self.experiment.trials[-1]
            self._ledger.note(f"{error} It answered until run {last.number} ({last.purpose}).")
        except NoToken as error:
            if not self.experiment.trials:
                raise
            self._ledger.note(f"{error} Tokens came until run {len(self.experiment.trials)}.")
        return self._result(Answer.INCONCLUSIVE)

    def interrupted(self) -> HuntResult:
        """Return what is known of a hunt that was ended from outside."""
        self._ledger.note(f"interrupted after {len(self.experiment.trials)} runs")
        return self._result(Answer.INCONCLUSIVE)

    async def _hunt(self) -> Answer:
        """Return what it is when nothing was found."""
        learned = await learn(self.experiment, self.recorded)
        self._ledger.note(*learned.reasons)
        self._ledger.note(*about_services(self.experiment.trials[-1].run))
        if not learned.is_sound:
            return Answer.INCONCLUSIVE
        await self._check_determinism()
        if not await self._is_as_learned():
            return Answer.INCONCLUSIVE
        # By now the last run was an unperturbed one.
        self._sweep = self._new_sweep()
        if self.settings.edits:
            return await self._retest()
        while (failing := await self._find()) is not None:
            if await self._is_finding(failing) and self.settings.stop_at_first:
                break
        await self._examine_the_rest()
        self._examination.note_what_was_no_race()
        if self._ledger.control_rate.failures:
            self._ledger.note("unperturbed runs fail by themselves")
            return Answer.INCONCLUSIVE
        return (
            Answer.NOT_REPRODUCED
            if self._sweep.told and not self._unproven
            else Answer.INCONCLUSIVE
        )

    async def _is_finding(self, failing: Trial) -> bool:
        """Examine a failing run, and keep what it comes to."""
        finding = await self._examination.examine(failing, self._sweep.told)
        if finding is None:
            return False
        is_proven = self._is_proven(finding)
        if is_proven:
            self._keep(finding, failing)
        return is_proven

    async def _examine_the_rest(self) -> None:
        """Spend what was kept for a finding on runs that showed more than the race they show.

        That they have a cause of their own is likely enough for the end, and not for the middle.
        """
        while self._deferred and self._ledger.left > LEAST_RESERVE:
            failing = self._as_new(self._deferred.pop(0))
            if failing is not None and not self.settings.stop_at_first:
                await self._is_finding(failing)

    async def _is_as_learned(self) -> bool:
        """Whether unperturbed runs pass by what was learned from others, or from them as well."""
        controls = [await self._ledger.control() for _ in range(FIRST_CONTROLS)]
        symptoms = [each for control in controls for each in control.judgement.symptoms]
        if symptoms and all(each.kind is SymptomKind.CHANGED for each in symptoms):
            learn_more(self.experiment, self.recorded, controls)
            # By that they pass; whether others do has to be seen.
            self._ledger.controls.clear()
            controls = [await self._ledger.control()]
        if any(control.verdict is not Verdict.FAIL for control in controls):
            return True
        control = controls[-1]
        symptom = control.judgement.symptom
        what = "" if symptom is None else f": {symptom.detail}"
        self._ledger.note(f"each unperturbed run is another than those before{what}")
        return False

    async def _check_determinism(self) -> None:
        """Have a run twice where two should be the same, and say so when they are not."""
        is_repeatable = self.experiment.settings.carrier.is_repeatable
        if not is_repeatable or self._ledger.left <= self._reserve + DETERMINISM_RUNS:
            return
        first, again = [
            await self.experiment.run((), "determinism", seed=self.settings.seed)
            for _ in range(DETERMINISM_RUNS)
        ]
        difference = first_difference(first.run, again.run)
        if difference is not None:
            self._ledger.note(
                f"the application is not deterministic, so a run cannot be had again: {difference}"
            )

    async def _find(self) -> Trial | None:
        """Sweep on to the next failure; None when all was tried, or the budget is spent."""
        while True:
            room = self._ledger.left - self._reserve
            if room <= 0 and not self._sweep.left:
                return None
            if room <= 0:
                tried = len(self._sweep.told)
                self._ledger.note(
                    f"the budget of {self.settings.budget} runs had room for {tried} of "
                    f"{tried + self._sweep.left} changes: {self._reserve} runs are kept to confirm "
                    "and measure a failure"
                )
                return None
            batch = self._sweep.ask_some(min(room, self._at_a_time))
            if not batch:
                return None
            trials = await self._tried(batch)
            before = len(self._sweep.told) // CONTROL_EVERY
            for edits, trial in zip(batch, trials, strict=True):
                self._sweep.tell(edits, trial.verdict, Trace.of(trial.run))
            if len(self._sweep.told) // CONTROL_EVERY > before:
                await self._ledger.control()
            for trial in trials:
                if trial.verdict is not Verdict.FAIL or self._as_new(trial) is None:
                    continue
                if not self._is_known(trial):
                    return trial
                self._defer(trial)

    @property
    def _at_a_time(self) -> int:
        return self.settings.parallel * (1 if self.experiment.workers is None else AHEAD)

    async def _tried(self, batch: Sequence[Edits]) -> list[Trial]:
        """Have some changes tried: at the same time, or ahead by processes of their own."""
        if self.experiment.workers is None:
            runs = (self.experiment.run(edits, "sweep") for edits in batch)
            return list(await asyncio.gather(*runs))
        self.experiment.begin_some(batch, "sweep")
        return [await self.experiment.run(edits, "sweep") for edits in batch]

    def _defer(self, trial: Trial) -> None:
        """Keep a run for the end, the first of each complaint."""
        said = {symptom.likeness for symptom in trial.judgement.symptoms}
        known = [symptom.likeness for t in self._deferred for symptom in t.judgement.symptoms]
        if not said <= {*known, *self._known_complaints}:
            self._deferred.append(trial)

    def _is_known(self, trial: Trial) -> bool:
        """Whether a failing run shows a race that was found."""
        return any(verdict_on(trial, failing) is Verdict.FAIL for _, failing in self._findings)

    def _as_new(self, trial: Trial) -> Trial | None:
        """Return a failing run with what is new of it.

        None when it only shows again what was found, or was found to be no race.
        """
        if self._examination.is_no_race(trial):
            return None
        if not self._is_known(trial):
            return trial
        # A race that was found may show in more ways, but a log that says more has another cause.
        return trial.with_only(
            symptom
            for symptom in trial.judgement.symptoms
            if symptom.kind is SymptomKind.LOG and symptom.likeness not in self._known_complaints
        )

    def _keep(self, finding: Finding, failing: Trial) -> None:
        self._findings.append((finding, failing))
        self._known_complaints |= {
            symptom.likeness
            for trial in self.experiment.trials
            if trial.number >= failing.number
            for symptom in trial.judgement.symptoms
        }
        # What is found next is measured less, to leave runs to the search.
        self._examination.rate_runs = max(MIN_RATE_RUNS, self.settings.rate_runs // 2)
        self.on_finding(finding, self._ledger.control_rate)

    async def _retest(self) -> Answer:
        """Measure the given edits, as after a change of the server."""
        edits = self.settings.edits
        trials = await self._examination.measure(edits)
        measured = rate_of([trial.verdict for trial in trials])
        self._ledger.note(f"only the given edits were measured: they fail {measured}")
        failing = next((trial for trial in trials if trial.verdict is Verdict.FAIL), None)
        if failing is None:
            return Answer.NOT_REPRODUCED if measured.runs else Answer.INCONCLUSIVE
        window = self._examination.window_of(edits[varied_of(edits) or 0])
        finding = Finding(edits, window, measured, with_log(failing))
        if self._is_proven(finding):
            self._keep(finding, failing)
        return Answer.INCONCLUSIVE

    def _is_proven(self, finding: Finding) -> bool:
        """Whether it fails more often than the unperturbed runs do."""
        is_proven = differs(finding.rate, self._ledger.control_rate)
        if not is_proven:
            self._unproven += 1
            self._ledger.note("the failure is about as frequent without the change")
        return is_proven

    def _result(self, otherwise: Answer) -> HuntResult:
        """Return the result; without a finding the answer is `otherwise`."""
        findings = tuple(finding for finding, _ in self._findings)
        return HuntResult(
            answer=Answer.REPRODUCED if findings else otherwise,
            runs=len(self.experiment.trials),
            control=self._ledger.control_rate,
            findings=findings,
            reasons=self._ledger.reasons,
            tried=len(self._sweep.told),
            left=self._sweep.left,
            kinds=self._sweep.kinds,
            exhausted=self._sweep.exhausted,
        )


@dataclass(frozen=True, slots=True)
class HuntRequest:
    """What to hunt in: a capture, a server, perhaps its log, and where the results go."""

    capture: Path
    target: Target
    tokens: TokenSource
    directory: Path
    log: ServerLog | None = None
    settings: HuntSettings = HuntSettings()
    overwrite: bool = False
    resume: bool = False
    surroundings: Surroundings = field(default_factory=Surroundings)
    checks: tuple[Check, ...] = ()
    limits: Limits = UNLIMITED
    carrier: Carrier = field(default_factory=Sockets)
    workers: Workers | None = None
    amend: Callable[[Plan], Plan] = lambda plan: plan
    # What else has to be the same when the hunt is gone on with.
    asked: Mapping[str, Any] = field(default_factory=dict)


async def hunt(request: HuntRequest, on_trial: Callable[[Trial], None]) -> HuntResult:
    """Carry out a hunt and leave its directory; `on_trial` hears of every run.

    Raises PlanError, NoToken, TargetRefused, UnwritableOutput, ReplayError. When nothing was run,
    no directory is left behind.
    """
    recorded = read_capture(request.capture)
    plan = request.amend(plan_from_capture(recorded))
    if request.directory.resolve() in request.capture.resolve().parents:
        raise UnwritableOutput(
            f"{request.capture} lies in {request.directory}, which the hunt would clear: "
            "name another directory"
        )
    with _directory(request) as (directory, past):
        settings = RunSettings(
            request.target,
            request.tokens,
            surroundings=request.surroundings,
            limits=request.limits,
            carrier=request.carrier,
        )
        patience_s = request.settings.patience_s
        if patience_s is not None:
            settings = replace(settings, patience_s=patience_s)
        experiment = Experiment(
            plan,
            settings,
            directory.path,
            request.log,
            on_trial,
            amend=request.amend,
            checks=request.checks,
            patience_s=patience_s,
            past=past,
            workers=request.workers,
        )
        hunting = Hunt(
            experiment,
            recorded,
            request.settings,
            _changeable(request.surroundings),
            lambda finding, control: directory.keep_finding(
                finding, control, _asked(request, experiment)
            ),
        )
        # So that a hunt that is killed can be gone on with.
        directory.write_result(HuntResult.under_way(), _asked(request, experiment))
        try:
            async with request.surroundings:
                result = await hunting.run()
        except asyncio.CancelledError:
            if experiment.trials:
                directory.write_result(hunting.interrupted(), _asked(request, experiment))
            raise
        directory.write_result(result, _asked(request, experiment))
    return result


@contextmanager
def _directory(request: HuntRequest) -> Iterator[tuple[HuntDirectory, PastRuns]]:
    """Make the directory ready, or go on with what is in it."""
    if request.resume:
        with HuntDirectory.resumed(
            request.directory, request.capture, _same_again(request)
        ) as resumed:
            yield resumed
        return
    with HuntDirectory.prepared(request.directory, overwrite=request.overwrite) as directory:
        directory.keep_capture(request.capture)
        yield directory, PastRuns()


def _changeable(surroundings: Surroundings) -> Changeable:
    return Changeable(surroundings.restart_command is not None, tuple(surroundings.proxies))


def _same_again(request: HuntRequest) -> dict[str, Any]:
    """Return what a hunt that goes on has to be asked again."""
    settings = request.settings
    return {
        "target": request.target.shown,
        "seed": settings.seed,
        "rate_runs": settings.rate_runs,
        "given_edits": [edit.to_json() for edit in settings.edits],
        "patience_s": settings.patience_s,
        "stop_at_first": settings.stop_at_first,
        "parallel": settings.parallel,
        "fidelity": request.carrier.fidelity,
        "checks": [text_of(check) for check in request.checks],
    } | dict(request.asked)


def _asked(request: HuntRequest, experiment: Experiment) -> dict[str, Any]:
    """Return what a hunt was asked, for its record."""
    return _same_again(request) | {
        "budget": request.settings.budget,
        "settle_s": experiment.settle_s,
        "plan": plan_to_json(experiment.plan),
    }
