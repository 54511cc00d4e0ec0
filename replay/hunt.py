"""The hunt: learn what is normal, sweep for a failing change, find its window, measure its rate.

Wires search, experiment and statistics together, and decides nothing that one of them can.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
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
from replay.engine.surroundings import Surroundings
from replay.errors import NoToken, ReplayError, TargetRefused
from replay.experiment import Experiment, Trial
from replay.failure import rate_of, verdict_on, with_log
from replay.finding import Answer, FailingWindow, Finding, HuntResult
from replay.hunt_directory import HuntDirectory, plan_to_json
from replay.learning import LEARNING_RUNS, learn
from replay.limits import UNLIMITED, Limits
from replay.log_tail import ServerLog
from replay.oracles.checks import Check
from replay.oracles.transcript import transcripts
from replay.oracles.verdict import Verdict
from replay.perturbations import Perturbation
from replay.plan import Plan
from replay.planning import plan_from_capture
from replay.search.spread import reordered, spread
from replay.search.sweep import Sweep
from replay.search.window import Window, WindowSearch
from replay.statistics import Rate, differs, probable, rate, repeats_to_see
from replay.target import Target

CONFIRMING_RUNS = 4
WINDOW_RUNS = 12
MIN_RATE_RUNS = 5
# What confirming a failure takes, and a few runs to measure it.
LEAST_RESERVE = CONFIRMING_RUNS + 1 + 4
MIN_BUDGET = LEARNING_RUNS + 1 + LEAST_RESERVE
# An edge of the window is wrong with this probability at most, by the rate that was measured.
EDGE_MISS = 0.02
MOST_REPEATS = 20
CONTROL_EVERY = 8
HIGHEST_NS = 4_000_000_000
SPREAD_NS = 300_000_000
SPREAD_RUNS = 2
DETERMINISM_RUNS = 2


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

    def __post_init__(self) -> None:
        if self.budget < MIN_BUDGET:
            raise ReplayError(
                f"the budget is {self.budget} runs, expected at least {MIN_BUDGET}: "
                f"{LEARNING_RUNS} show what is normal, {LEAST_RESERVE} confirm a failure"
            )


@dataclass(slots=True)
class Hunt:
    """One hunt over an experiment."""

    experiment: Experiment
    recorded: Capture
    settings: HuntSettings
    _controls: list[Verdict] = field(default_factory=list)
    _reasons: list[str] = field(default_factory=list)
    _sweep: Sweep = field(init=False)

    def __post_init__(self) -> None:
        self._sweep = Sweep(self.experiment.plan)

    @property
    def _left(self) -> int:
        """How many runs the budget still has."""
        return self.settings.budget - len(self.experiment.trials)

    @property
    def _reserve(self) -> int:
        """How many runs are kept for what comes after a failure was seen."""
        wanted = CONFIRMING_RUNS + WINDOW_RUNS + 2 * MIN_RATE_RUNS
        return max(LEAST_RESERVE, min(wanted, (self.settings.budget - LEARNING_RUNS) // 2))

    async def run(self) -> HuntResult:
        """Carry the hunt out. Raises what the first run raises."""
        try:
            return await self._hunt()
        except TargetRefused as error:
            if not self.experiment.trials:
                raise
            last = self.experiment.trials[-1]
            self._reasons.append(f"{error} It answered until run {last.number} ({last.purpose}).")
            return self._result(Answer.INCONCLUSIVE, None)
        except NoToken as error:
            if not self.experiment.trials:
                raise
            self._reasons.append(f"{error} Tokens came until run {len(self.experiment.trials)}.")
            return self._result(Answer.INCONCLUSIVE, None)

    def interrupted(self) -> HuntResult:
        """Return what is known of a hunt that was ended from outside."""
        self._reasons.append(f"interrupted after {len(self.experiment.trials)} runs")
        return self._result(Answer.INCONCLUSIVE, None)

    async def _hunt(self) -> HuntResult:
        learned = await learn(self.experiment, self.recorded)
        self._reasons += learned.reasons
        if not learned.is_sound:
            return self._result(Answer.INCONCLUSIVE, None)
        await self._check_determinism()
        self._sweep = Sweep(self.experiment.plan)
        if self.settings.edits:
            return await self._retest()
        while (failing := await self._find()) is not None:
            finding = await self._examine(failing)
            if finding is not None:
                return self._judged(finding)
        if self._failing_controls():
            self._reasons.append("unperturbed runs fail by themselves")
            return self._result(Answer.INCONCLUSIVE, None)
        answer = Answer.NOT_REPRODUCED if self._sweep.told else Answer.INCONCLUSIVE
        return self._result(answer, None)

    async def _check_determinism(self) -> None:
        """Have a run twice where two should be the same, and say so when they are not."""
        is_repeatable = self.experiment.settings.carrier.is_repeatable
        if not is_repeatable or self._left <= self._reserve + DETERMINISM_RUNS:
            return
        first, again = [
            await self.experiment.run((), "determinism", seed=self.settings.seed)
            for _ in range(DETERMINISM_RUNS)
        ]
        difference = first_difference(first.run, again.run)
        if difference is not None:
            self._reasons.append(
                f"the application is not deterministic, so a run cannot be had again: {difference}"
            )

    async def _find(self) -> Trial | None:
        """Sweep on until a run fails; None when everything was tried or the budget is spent."""
        while (edits := self._sweep.ask()) is not None:
            if self._left <= self._reserve:
                tried = len(self._sweep.told)
                self._reasons.append(
                    f"the budget of {self.settings.budget} runs had room for {tried} of "
                    f"{tried + self._sweep.left} changes: {self._reserve} runs are kept to confirm "
                    "and measure a failure"
                )
                return None
            trial = await self.experiment.run(edits, "sweep")
            self._sweep.tell(edits, trial.verdict)
            if len(self._sweep.told) % CONTROL_EVERY == 0:
                await self._control()
            if trial.verdict is Verdict.FAIL:
                return trial
        return None

    async def _control(self) -> Trial:
        trial = await self.experiment.run((), "control")
        self._controls.append(trial.verdict)
        return trial

    async def _examine(self, failing: Trial) -> Finding | None:
        """Confirm a failing run, find its window and measure; None when it does not fail again."""
        (edit,) = failing.edits
        confirmed = [await self._repeat(failing, "confirm") for _ in range(CONFIRMING_RUNS)]
        again = confirmed.count(Verdict.FAIL)
        await self._control()
        if again < 2 or await self._is_only_order(failing):
            return None
        search = self._window_search(edit, rate(again + 1, CONFIRMING_RUNS + 1))
        await self._narrow(search, failing, keep=2 * MIN_RATE_RUNS)
        edit = edit.with_value(_point(search.window))
        trials = await self._measure((edit,))
        verdicts = [verdict_on(trial, failing) for trial in trials]
        measured = rate_of(verdicts)
        await self._doubt(search, failing, measured)
        alike = [trial for trial in trials if verdict_on(trial, failing) is Verdict.FAIL]
        symptom = with_log((alike or [failing])[0])
        found = search.window
        window = self._window_of(edit, found.low_ns, found.high_ns)
        return Finding((edit,), window, measured, symptom)

    async def _is_only_order(self, failing: Trial) -> bool:
        """Whether the failure follows from the order of steps alone, however far apart they are."""
        plan = self.experiment.plan
        taken_ns = {
            (name, step): at_ns
            for name, transcript in transcripts(failing.run).items()
            for step, at_ns in transcript.steps_at_ns.items()
        }
        if not reordered(plan, taken_ns):
            return False
        edits = spread(plan, taken_ns, SPREAD_NS)
        trials = [await self.experiment.run(edits, "spread") for _ in range(SPREAD_RUNS)]
        is_order = all(verdict_on(trial, failing) is Verdict.FAIL for trial in trials)
        if is_order:
            step = plan.step(failing.edits[0].connection, failing.edits[0].step)
            self._reasons.append(
                f"{step.name} before a step of another connection gives another answer however far "
                "apart they are: an order, not a race"
            )
        return is_order

    async def _measure(self, edits: tuple[Perturbation, ...]) -> list[Trial]:
        """Return runs with these edits, taken in turns with as many controls."""
        trials = []
        # The turns are drawn, so that drift accuses neither.
        order = random.Random(self.settings.seed)
        for _ in range(min(self.settings.rate_runs, max(1, self._left // 2))):
            for is_control in order.sample((True, False), 2):
                if is_control:
                    await self._control()
                else:
                    trials.append(await self.experiment.run(edits, "rate"))
        return trials

    async def _retest(self) -> HuntResult:
        """Measure the given edits, as after a change of the server."""
        trials = await self._measure(self.settings.edits)
        measured = rate_of([trial.verdict for trial in trials])
        self._reasons.append(f"only the given edits were measured: they fail {measured}")
        failing = next((trial for trial in trials if trial.verdict is Verdict.FAIL), None)
        if failing is None:
            answer = Answer.NOT_REPRODUCED if measured.runs else Answer.INCONCLUSIVE
            return self._result(answer, None)
        window = self._window_of(self.settings.edits[0], None, None)
        return self._judged(Finding(self.settings.edits, window, measured, with_log(failing)))

    async def _repeat(self, failing: Trial, purpose: str) -> Verdict:
        """Run the same edits again; only the same symptom counts as failing."""
        return verdict_on(await self.experiment.run(failing.edits, purpose), failing)

    def _window_search(self, edit: Perturbation, confirmed: Rate) -> WindowSearch:
        """Return the search for the edges around a failing edit."""
        repeats = repeats_to_see(probable(confirmed))
        return WindowSearch(
            with_value=edit.with_value,
            failing_ns=edit.value_ns,
            passing_ns=self._known_to_pass(edit, repeats),
            highest_ns=max(HIGHEST_NS, 2 * edit.value_ns),
            repeats=repeats,
        )

    async def _narrow(self, search: WindowSearch, failing: Trial, keep: int) -> bool:
        """Bisect the edges, keeping some runs; return whether they are known well enough."""
        while (edits := search.ask()) is not None:
            if self._left <= keep:
                return False
            search.tell(edits, verdict_on(await self.experiment.run(edits, "window"), failing))
        return True

    async def _doubt(self, search: WindowSearch, failing: Trial, measured: Rate) -> None:
        """Ask the edges again when the failure turned out rarer than the search took it to be."""
        if not 0 < measured.failures < measured.runs:
            return
        share = measured.failures / measured.runs
        search.repeats = max(search.repeats, repeats_to_see(share, EDGE_MISS, MOST_REPEATS))
        if not await self._narrow(search, failing, keep=0):
            self._reasons.append(
                "the window may be wider: the budget ended before its edges were asked often "
                f"enough for what fails in {measured}"
            )

    def _window_of(
        self, edit: Perturbation, low_ns: int | None, high_ns: int | None
    ) -> FailingWindow:
        recorded_ns = edit.recorded_ns(self.experiment.plan)
        return FailingWindow(edit.connection, edit.step, edit.anchor, low_ns, high_ns, recorded_ns)

    def _known_to_pass(self, edit: Perturbation, repeats: int) -> tuple[int, ...]:
        """Return values of the same kind of edit that pass as far as is known."""
        # As recorded it passes: the baseline shows it.
        recorded_ns = edit.recorded_ns(self.experiment.plan)
        passing = [] if recorded_ns in (None, edit.value_ns) else [recorded_ns]
        if repeats == 1:
            passing += [
                told.value_ns
                for told, verdict in self._sweep.told
                if verdict is Verdict.PASS and told.with_value(0) == edit.with_value(0)
            ]
        return tuple(at_ns for at_ns in passing if at_ns is not None)

    def _failing_controls(self) -> int:
        return self._controls.count(Verdict.FAIL)

    def _judged(self, finding: Finding) -> HuntResult:
        control = rate_of(self._controls)
        if not differs(finding.rate, control):
            self._reasons.append("the failure is about as frequent without the change")
            return self._result(Answer.INCONCLUSIVE, None)
        return self._result(Answer.REPRODUCED, finding)

    def _result(self, answer: Answer, finding: Finding | None) -> HuntResult:
        return HuntResult(
            answer=answer,
            runs=len(self.experiment.trials),
            control=rate_of(self._controls),
            finding=finding,
            reasons=tuple(dict.fromkeys(self._reasons)),
            tried=len(self._sweep.told),
            left=self._sweep.left,
        )


def _point(window: Window) -> int:
    """Return the middle of what is known of the window, where it fails most surely."""
    if window.low_ns is None or window.high_ns is None:
        return window.centre_ns
    return (window.low_ns + window.high_ns) // 2


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
    surroundings: Surroundings = field(default_factory=Surroundings)
    checks: tuple[Check, ...] = ()
    limits: Limits = UNLIMITED
    carrier: Carrier = field(default_factory=Sockets)
    amend: Callable[[Plan], Plan] = lambda plan: plan


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
    with HuntDirectory.prepared(request.directory, overwrite=request.overwrite) as directory:
        directory.keep_capture(request.capture)
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
        )
        hunting = Hunt(experiment, recorded, request.settings)
        try:
            async with request.surroundings:
                result = await hunting.run()
        except asyncio.CancelledError:
            if experiment.trials:
                directory.write_result(hunting.interrupted(), _asked(request, experiment))
            raise
        directory.write_result(result, _asked(request, experiment))
    return result


def _asked(request: HuntRequest, experiment: Experiment) -> dict[str, Any]:
    """Return what a hunt was asked, for its record."""
    return {
        "target": request.target.shown,
        "seed": request.settings.seed,
        "budget": request.settings.budget,
        "settle_s": experiment.settle_s,
        "plan": plan_to_json(experiment.plan),
    }
