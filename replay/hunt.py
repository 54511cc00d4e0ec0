"""The hunt: learn what is normal, sweep for a failing change, find its window, measure its rate.

Wires search, experiment and statistics together, and decides nothing that one of them can.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from capture.errors import UnwritableOutput
from capture.format.model import Capture, Side
from capture.format.reader import read_capture
from replay.auth import TokenSource
from replay.engine.live import RunSettings
from replay.errors import TargetRefused
from replay.experiment import Experiment, Trial
from replay.finding import Answer, FailingWindow, Finding, HuntResult
from replay.hunt_directory import HuntDirectory, plan_to_json
from replay.log_tail import LogTail
from replay.oracles.differential import Baseline
from replay.oracles.log import LogBaseline
from replay.oracles.transcript import Transcript, transcripts
from replay.oracles.verdict import Symptom, Verdict
from replay.perturbations import Gap, Perturbation
from replay.plan import START
from replay.planning import plan_from_capture
from replay.search.spread import reordered, spread
from replay.search.sweep import Sweep
from replay.search.window import Window, WindowSearch
from replay.statistics import Rate, differs, rate, repeats_to_see
from replay.target import Target

BASELINE_RUNS = 5
ALIKE_RUNS = 3
SETTLE_LADDER_S = (0.05, 0.5, 2.0)
STRETCHED_RUNS = 2
CONFIRMING_RUNS = 4
WINDOW_RUNS = 12
MIN_RATE_RUNS = 5
CONTROL_EVERY = 8
MIN_PATIENCE_S = 0.4
MAX_PATIENCE_S = 5.0
MAX_STRETCH_NS = 2_000_000_000
HIGHEST_NS = 4_000_000_000
SPREAD_NS = 300_000_000
SPREAD_RUNS = 2


@dataclass(frozen=True, slots=True)
class HuntSettings:
    """`budget` bounds the number of runs; `rate_runs` is how many the final rate rests on.

    With `edits` nothing is searched: only how often these edits fail is measured.
    """

    budget: int = 200
    seed: int = 0
    rate_runs: int = 20
    edits: tuple[Perturbation, ...] = ()


@dataclass(slots=True)
class Hunt:
    """One hunt over an experiment."""

    experiment: Experiment
    recorded: Capture
    settings: HuntSettings
    _controls: list[Verdict] = field(default_factory=list)
    _reasons: list[str] = field(default_factory=list)
    _sweep: Sweep = field(init=False)
    _rate_runs: int = field(init=False)

    def __post_init__(self) -> None:
        self._sweep = Sweep(self.experiment.plan)
        # A small budget is for finding first, and for measuring with what is left.
        affordable = max(MIN_RATE_RUNS, self.settings.budget // 6)
        self._rate_runs = min(self.settings.rate_runs, affordable)

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

    async def _hunt(self) -> HuntResult:
        problem = await self._learn()
        if problem:
            self._reasons.append(problem)
            return self._result(Answer.INCONCLUSIVE, None)
        if self.settings.edits:
            return await self._retest()
        while (failing := await self._find()) is not None:
            finding = await self._examine(failing)
            if finding is not None:
                return self._judged(finding)
        if self._failing_controls():
            self._reasons.append("unperturbed runs fail by themselves")
            return self._result(Answer.INCONCLUSIVE, None)
        return self._result(Answer.NOT_REPRODUCED, None)

    async def _learn(self) -> str:
        """Learn the baseline; return why that is impossible, if it is."""
        for settle_s in SETTLE_LADDER_S:
            self.experiment.settle_s = settle_s
            runs, problem = await self._alike()
            if not problem:
                break
        else:
            return f"unperturbed runs do not go as recorded: {problem}"
        if self.experiment.settle_s > SETTLE_LADDER_S[0]:
            self._reasons.append(
                f"runs need {self.experiment.settle_s} s between them: the server remembers a "
                "session after its end"
            )
        pushes = await self._learn_from(runs)
        plan = self.experiment.plan
        replanned = plan_from_capture(self.recorded, plan.pace, pushes)
        if replanned.connections != plan.connections:
            # Some step was taken to wait for what comes by itself: then its timing was chance.
            self.experiment.plan, self._sweep = replanned, Sweep(replanned)
            await self._learn_from([])
        return ""

    async def _learn_from(self, runs: list[Trial]) -> frozenset[str]:
        """Set the baseline, from these and more runs; return the kinds that come unasked."""
        while len(runs) < BASELINE_RUNS:
            runs.append(await self.experiment.run((), "baseline"))
        self._set_patience(trial.run for trial in runs)
        stretched = [
            trial
            for _ in range(STRETCHED_RUNS)
            if not self._departs((trial := await self._stretched()).run)
        ]
        baseline = Baseline.learned(
            [trial.run for trial in runs], [trial.run for trial in stretched]
        )
        self.experiment.baseline = baseline
        self.experiment.log_baseline = LogBaseline.learned(trial.log for trial in runs)
        return baseline.pushes()

    async def _alike(self) -> tuple[list[Trial], str]:
        """Return a few unperturbed runs, up to the first that goes otherwise than recorded."""
        runs = []
        for _ in range(ALIKE_RUNS):
            runs.append(await self.experiment.run((), "baseline"))
            problem = self._departs(runs[-1].run)
            if problem:
                return runs, problem
        return runs, ""

    def _departs(self, run: Capture) -> str:
        """Return how a run differs grossly from the recording."""
        recorded, seen = transcripts(self.recorded), transcripts(run)
        for name in self.experiment.plan.connections:
            difference = _gross_difference(recorded[name], seen.get(name))
            if difference:
                return difference
        return ""

    def _set_patience(self, runs: Iterable[Capture]) -> None:
        """Wait for the server a few times longer than it ever took, so that failing runs end."""
        slowest_ns = max(
            (
                reply.latency_ns
                for run in runs
                for transcript in transcripts(run).values()
                for reply in transcript.replies
            ),
            default=0,
        )
        patience_s = min(MAX_PATIENCE_S, max(MIN_PATIENCE_S, 4 * slowest_ns / 1e9))
        self.experiment.settings = replace(self.experiment.settings, patience_s=patience_s)

    async def _stretched(self) -> Trial:
        """Run with every gap a little longer, which shows what the server says unasked."""
        steps = [step for step in self.experiment.plan.steps() if step.after != START]
        extra_ns = min(100_000_000, MAX_STRETCH_NS // max(1, len(steps)))
        edits = [
            Gap(step.connection, step.index, step.after, step.gap_ns + extra_ns) for step in steps
        ]
        return await self.experiment.run(edits, "stretched")

    async def _find(self) -> Trial | None:
        """Sweep on until a run fails; None when everything was tried or the budget is spent."""
        reserve = CONFIRMING_RUNS + WINDOW_RUNS + 2 * self._rate_runs
        while (edits := self._sweep.ask()) is not None:
            if len(self.experiment.trials) + reserve >= self.settings.budget:
                self._reasons.append(f"the budget of {self.settings.budget} runs was spent")
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
        window, edit = await self._window(failing, edit, (again + 1) / (CONFIRMING_RUNS + 1))
        trials = await self._measure((edit,))
        verdicts = [_verdict_on(trial, failing) for trial in trials]
        alike = [trial for trial in trials if _verdict_on(trial, failing) is Verdict.FAIL]
        symptom = _with_log((alike or [failing])[0])
        return Finding((edit,), window, _rate_of(verdicts), symptom)

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
        is_order = all(_verdict_on(trial, failing) is Verdict.FAIL for trial in trials)
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
        for _ in range(self._rate_runs):
            for is_control in order.sample((True, False), 2):
                if is_control:
                    await self._control()
                else:
                    trials.append(await self.experiment.run(edits, "rate"))
        return trials

    async def _retest(self) -> HuntResult:
        """Measure the given edits, as after a change of the server."""
        trials = await self._measure(self.settings.edits)
        measured = _rate_of([trial.verdict for trial in trials])
        self._reasons.append(f"only the given edits were measured: they fail {measured}")
        failing = next((trial for trial in trials if trial.verdict is Verdict.FAIL), None)
        if failing is None:
            answer = Answer.NOT_REPRODUCED if measured.runs else Answer.INCONCLUSIVE
            return self._result(answer, None)
        window = self._window_of(self.settings.edits[0], None, None)
        return self._judged(Finding(self.settings.edits, window, measured, _with_log(failing)))

    async def _repeat(self, failing: Trial, purpose: str) -> Verdict:
        """Run the same edits again; only the same symptom counts as failing."""
        return _verdict_on(await self.experiment.run(failing.edits, purpose), failing)

    async def _window(
        self, failing: Trial, edit: Perturbation, failure_rate: float
    ) -> tuple[FailingWindow, Perturbation]:
        """Bisect the edges around a failing edit; return them and the edit in their middle."""
        repeats = repeats_to_see(failure_rate)
        search = WindowSearch(
            with_value=edit.with_value,
            failing_ns=edit.value_ns,
            passing_ns=self._known_to_pass(edit, repeats),
            highest_ns=max(HIGHEST_NS, 2 * edit.value_ns),
            repeats=repeats,
        )
        budget = self.settings.budget - 2 * self._rate_runs
        while (edits := search.ask()) is not None and len(self.experiment.trials) < budget:
            search.tell(edits, _verdict_on(await self.experiment.run(edits, "window"), failing))
        found = search.window
        window = self._window_of(edit, found.low_ns, found.high_ns)
        return window, edit.with_value(_point(found))

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
        control = _rate_of(self._controls)
        if not differs(finding.rate, control):
            self._reasons.append("the failure is about as frequent without the change")
            return self._result(Answer.INCONCLUSIVE, None)
        return self._result(Answer.REPRODUCED, finding)

    def _result(self, answer: Answer, finding: Finding | None) -> HuntResult:
        return HuntResult(
            answer=answer,
            runs=len(self.experiment.trials),
            control=_rate_of(self._controls),
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


def _rate_of(verdicts: Sequence[Verdict]) -> Rate:
    """Return the rate among the runs that are known."""
    known = [verdict for verdict in verdicts if verdict is not Verdict.UNKNOWN]
    return rate(known.count(Verdict.FAIL), len(known))


def _verdict_on(trial: Trial, failing: Trial) -> Verdict:
    """Return the verdict on one failure: a run that fails in another way does not show it."""
    if trial.verdict is Verdict.FAIL and not _same_symptom(trial, failing):
        return Verdict.PASS
    return trial.verdict


def _same_symptom(trial: Trial, failing: Trial) -> bool:
    """Whether two failing runs share a symptom; the leading one may be seen or not by chance."""
    signatures = {symptom.signature for symptom in failing.judgement.symptoms}
    return any(symptom.signature in signatures for symptom in trial.judgement.symptoms)


def _with_log(trial: Trial) -> Symptom:
    """Return the leading symptom, and with it the complaint of the log if there is one."""
    leading, *others = trial.judgement.symptoms
    said = [other.detail for other in others if other.kind == "log"]
    if leading.kind == "log" or not said:
        return leading
    return replace(leading, detail=f"{leading.detail}; the server's log: {said[0]}")


def _gross_difference(recorded: Transcript, seen: Transcript | None) -> str:
    name = recorded.connection
    if seen is None or seen.status != recorded.status:
        answer = "not at all" if seen is None or seen.status is None else str(seen.status)
        refusal = "" if seen is None else f" {seen.refusal}"[:100].rstrip()
        return f"the handshake of {name} was answered {answer}{refusal}, recorded {recorded.status}"
    by_server = seen.ending.first is Side.SERVER
    if by_server and recorded.ending.first is not Side.SERVER:
        return f"{name} {seen.ending}, recorded as ended by the client"
    if recorded.replies and not seen.replies:
        return f"the server said nothing on {name}, recorded {len(recorded.replies)} messages"
    return ""


@dataclass(frozen=True, slots=True)
class HuntRequest:
    """What to hunt in: a capture, a server, perhaps its log, and where the results go."""

    capture: Path
    target: Target
    tokens: TokenSource
    directory: Path
    log: Path | None = None
    settings: HuntSettings = HuntSettings()
    overwrite: bool = False


async def hunt(request: HuntRequest, on_trial: Callable[[Trial], None]) -> HuntResult:
    """Carry out a hunt and leave its directory; `on_trial` hears of every run.

    Raises PlanError, NoToken, TargetRefused, UnwritableOutput, ReplayError. When nothing was run,
    no directory is left behind.
    """
    recorded = read_capture(request.capture)
    plan = plan_from_capture(recorded)
    if request.directory.resolve() in request.capture.resolve().parents:
        raise UnwritableOutput(
            f"{request.capture} lies in {request.directory}, which the hunt would clear: "
            "name another directory"
        )
    log = LogTail(request.log) if request.log is not None else None
    with HuntDirectory.prepared(request.directory, overwrite=request.overwrite) as directory:
        directory.keep_capture(request.capture)
        settings = RunSettings(request.target, request.tokens)
        experiment = Experiment(plan, settings, directory.path, log, on_trial)
        result = await Hunt(experiment, recorded, request.settings).run()
        directory.write_result(
            result,
            {
                "target": request.target.shown,
                "seed": request.settings.seed,
                "budget": request.settings.budget,
                "settle_s": experiment.settle_s,
                "plan": plan_to_json(plan),
            },
        )
    return result
