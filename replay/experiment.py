"""Runs of one capture against one target, each recorded and judged; the shell under a hunt."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from capture.clock import monotonic_ns
from capture.format.model import Capture
from capture.redaction import Redactor
from replay.engine.live import RunSettings, run_live
from replay.engine.remarks import undone_by
from replay.lateness import send_lateness_ns, summary_of
from replay.limits import STOPPED, RunPacer, stopped_by
from replay.log_tail import ServerLog, without_secrets
from replay.oracles.checks import Check, Observed, Outcome, OwedUntil, judged
from replay.oracles.differential import NONE_UNHEARD, Baseline, Unheard
from replay.oracles.log import LogBaseline
from replay.oracles.verdict import (
    NEXT_SESSION,
    Judgement,
    Symptom,
    Verdict,
    judge_safely,
    merged,
)
from replay.past_runs import RUNS_FOLDER, RUNS_TABLE, PastRuns
from replay.perturbations import Gap, Perturbation, perturbed
from replay.plan import End, Plan
from replay.workers import Job, Workers

# A send later than this is not the timing that was asked for.
MAX_LATENESS_NS = 20_000_000
# Logs are written a moment after the event that they tell of; and when a client has gone, after the
# work that nobody waits for any more.
LOG_SETTLE_S = 0.05
MOST_LOG_SETTLE_S = 2.0
# What the run is for that comes after one whose clients were cut off.
NEXT = "next session"
# How often, and how much longer, clients stay to hear what others left too early to hear.
MOST_HEARING_RUNS = 3
MOST_STAYING_S = 1.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One run of a hunt: what was changed, what came of it, and where its record is."""

    number: int
    purpose: str
    edits: tuple[Perturbation, ...]
    run: Capture
    log: tuple[str, ...]
    judgement: Judgement
    path: Path
    outcomes: tuple[Outcome, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What the run came to."""
        return self.judgement.verdict

    def with_only(self, symptoms: Iterable[Symptom]) -> Trial | None:
        """Return the trial as if it had shown no more than this; None when that is nothing."""
        left = tuple(symptoms)
        return replace(self, judgement=Judgement(Verdict.FAIL, left)) if left else None

    def to_json(self) -> dict[str, Any]:
        """Return a line for the table of runs."""
        late = send_lateness_ns(self.run)
        figures = summary_of(late)
        checks = {outcome.check: outcome.verdict for outcome in self.outcomes}
        return {
            "run": self.number,
            "purpose": self.purpose,
            "edits": [edit.to_json() for edit in self.edits],
            "verdict": self.verdict,
            "symptoms": [symptom.to_json() for symptom in self.judgement.symptoms],
            "reason": self.judgement.reason,
            "log": list(self.log),
            "lateness": figures.to_json() if figures is not None else None,
            "capture": f"{RUNS_FOLDER}/{self.path.name}",
        } | ({"checks": checks} if checks else {})


def doubt_of(run: Capture) -> str:
    """Return why a run does not tell what it was to tell, or nothing."""
    if undone := undone_by(run):
        return f"the run was not as asked: {undone}"
    worst_ns = max(send_lateness_ns(run), default=0)
    if worst_ns > MAX_LATENESS_NS:
        return f"a send went out {worst_ns / 1e6:.1f} ms late, this machine is too busy"
    return ""


def observed(run: Capture, plan: Plan, lines: Sequence[str] | None) -> Observed:
    """Return a run as checks look at it: nothing is owed to who does not listen."""
    unheard = [name for name, owed in plan.owed.items() if not (owed.replies and owed.alike)]
    return Observed.of(run, lines, {name: OwedUntil(until_ns=-1) for name in unheard})


@dataclass(slots=True)
class Experiment:
    """Carries out runs one after the other. `settle_s` is the rest that the server gets between;
    what it logs in that time belongs to the run before.

    `directory` gets a table of runs and, in a folder, the record of each. `amend` corrects every
    plan that is made. `past` are runs of an interrupted hunt, which are not made again. Until
    `baseline` is known, runs are recorded and not judged. `checks` judge along, whatever the
    baseline does. `patience_s` is what the user asked for, None to learn it. No run follows another
    of itself once there were `most_runs`. `workers` may carry runs out ahead.
    """

    plan: Plan
    settings: RunSettings
    directory: Path
    log: ServerLog | None
    on_trial: Callable[[Trial], None]
    settle_s: float = 0.0
    amend: Callable[[Plan], Plan] = lambda plan: plan
    baseline: Baseline | None = None
    log_baseline: LogBaseline | None = None
    checks: tuple[Check, ...] = ()
    patience_s: float | None = None
    past: PastRuns = field(default_factory=PastRuns)
    most_runs: int | None = None
    workers: Workers | None = None
    trials: list[Trial] = field(default_factory=list)
    _started: int = 0
    # What the server got after the last run; None before the first.
    _rested_s: float | None = None
    _unheard: Unheard = NONE_UNHEARD
    # Whether the server says later what was not heard; None before that was seen.
    _keeps_unheard: bool | None = None
    _redactor: Redactor = field(default_factory=Redactor)
    _pacer: RunPacer = field(init=False)

    def __post_init__(self) -> None:
        self._pacer = RunPacer(self.settings.limits)

    async def run(
        self, edits: Sequence[Perturbation], purpose: str, seed: int | None = None
    ) -> Trial:
        """Carry out one run and judge it. Raises what `run_live` raises, and PlanError.

        Without a seed it is the run's number, so that no two runs have the same chance. Where the
        edits end a session early, or starve it, an unperturbed run after it tells whether the
        server took harm. A server that keeps what was not heard has it heard before the next run.
        """
        trial = await self._judged_run(edits, purpose, seed)
        for _ in range(MOST_HEARING_RUNS):
            is_known = not self._unheard.kinds or self._keeps_unheard is False
            if is_known or (self.most_runs is not None and len(self.trials) >= self.most_runs):
                break
            await self._judged_run(self._staying(), "hearing", None)
            if self._keeps_unheard is None:
                self._keeps_unheard = self._unheard.came_late
        return trial

    @property
    def _is_last(self) -> bool:
        """Whether there is no room for a run after the one that is being judged."""
        return self.most_runs is not None and len(self.trials) + 1 >= self.most_runs

    def _staying(self) -> tuple[Perturbation, ...]:
        """Return edits that have every client stay until all was said."""
        longer_ns = round(min(self.settings.patience_s, MOST_STAYING_S) * 1e9)
        ends = (step for step in self.plan.steps() if isinstance(step.action, End))
        return tuple(
            Gap(step.connection, step.index, step.after, step.gap_ns + longer_ns) for step in ends
        )

    async def _judged_run(
        self, edits: Sequence[Perturbation], purpose: str, seed: int | None
    ) -> Trial:
        plan = perturbed(self.plan, edits)
        self._started += 1
        number = self._started
        path = self._path_of(number)
        known = self.past.take(number, purpose, edits)
        if known is None:
            run, lines = await self._carried_out(plan, edits, purpose, number, path, seed)
        else:
            run, lines = known
        outcomes = judged(self.checks, observed(run, plan, None if self.log is None else lines))
        judgement = self._judged(run, lines, outcomes, plan)
        if plan.is_disturbed and judgement.verdict is Verdict.PASS and not self._is_last:
            following = await self._judged_run((), NEXT, None)
            judgement = following.judgement.told_of(NEXT_SESSION)
        trial = Trial(number, purpose, tuple(edits), run, lines, judgement, path, outcomes)
        if known is None:
            self._append(trial)
        self.trials.append(trial)
        self.on_trial(trial)
        return trial

    async def _carried_out(
        self,
        plan: Plan,
        edits: Sequence[Perturbation],
        purpose: str,
        number: int,
        path: Path,
        seed: int | None,
    ) -> tuple[Capture, tuple[str, ...]]:
        """Have the run; return its record, and what it left in the server's log."""
        if self.workers is not None:
            done = self.workers.take(self._job(plan, edits, purpose, number, seed))
            if done is not None:
                return done[0], without_secrets(done[1], self._redactor)
        rest_s = 0.0 if self._rested_s is None else self.settle_s - self._rested_s
        await asyncio.sleep(max(rest_s, self._pacer.wait_ns(monotonic_ns()) / 1e9))
        self._pacer.begin(monotonic_ns())
        if self.log is not None and self._rested_s is None:
            self.log.skip()
        run = await run_live(plan, self._settings_of(edits, purpose, number, seed), path)
        if self.log is None:
            self._rested_s = 0.0
            return run, ()
        self._rested_s = self._rest_s(plan)
        return run, await lines_of_run(self.log, self._redactor, self._rested_s)

    def begin_some(self, batch: Sequence[Sequence[Perturbation]], purpose: str) -> None:
        """Have the workers begin runs that come next, in this order, if there are workers.

        What number each will have is a guess, and one that is wrong costs no more than its time.
        """
        if self.workers is None:
            return
        number = self._started
        for edits in batch:
            number += 1
            plan = perturbed(self.plan, edits)
            self.workers.begin(self._job(plan, edits, purpose, number, None))
            if plan.is_disturbed:
                number += 1
                self.workers.begin(self._job(self.plan, (), NEXT, number, None))

    def _job(
        self,
        plan: Plan,
        edits: Sequence[Perturbation],
        purpose: str,
        number: int,
        seed: int | None,
    ) -> Job:
        settings = self._settings_of(edits, purpose, number, seed)
        return Job(plan, settings, self._path_of(number), self._rest_s(plan))

    def _settings_of(
        self, edits: Sequence[Perturbation], purpose: str, number: int, seed: int | None
    ) -> RunSettings:
        about: tuple[tuple[str, str], ...] = (
            ("edits", json.dumps([edit.to_json() for edit in edits])),
            ("purpose", purpose),
        )
        drawn = number if seed is None else seed
        if self.settings.carrier.is_repeatable:
            about += (("seed", str(drawn)),)
        about = (*self.settings.about, *about)
        return replace(self.settings, about=about, seed=drawn, on_secret=self._redactor.remember)

    def _rest_s(self, plan: Plan) -> float:
        return max(self.settle_s, log_settle_s(plan, self.settings.patience_s))

    def _path_of(self, number: int) -> Path:
        return self.directory / RUNS_FOLDER / f"{number:04d}.capture.jsonl"

    def _judged(
        self, run: Capture, lines: Sequence[str], outcomes: Sequence[Outcome], plan: Plan
    ) -> Judgement:
        if stopped := stopped_by(run):
            return Judgement(Verdict.UNKNOWN, reason=f"{STOPPED}{stopped}")
        baseline = self.baseline
        if baseline is None:
            return Judgement(Verdict.UNKNOWN, reason="there is no baseline yet")
        if doubt := doubt_of(run):
            return Judgement(Verdict.UNKNOWN, reason=doubt)

        # In the runs after it was cut off a server still finds its way back.
        is_cut_off = plan.cuts_server_off or self._unheard.runs > 0

        def compare(run: Capture) -> Judgement:
            # With its database away a server may not have noted what was heard, and say it again.
            was_noted = not plan.disturbs_server
            unheard, self._unheard = (
                self._unheard,
                baseline.unheard(run, self._unheard, plan.owed, was_noted=was_noted),
            )
            return baseline.judge(run, plan.owed, unheard, is_cut_off=is_cut_off)

        judgements = [judge_safely(compare, run)]
        if self.log_baseline is not None:
            judgements.append(self.log_baseline.judge(lines, is_cut_off=is_cut_off))
        return merged([*judgements, *(outcome.judgement for outcome in outcomes)])

    def _append(self, trial: Trial) -> None:
        line = msgspec.json.encode(trial.to_json()).decode()
        with (self.directory / RUNS_TABLE).open("a") as file:
            file.write(line + "\n")


def log_settle_s(plan: Plan, patience_s: float) -> float:
    """Return how long after a run the server may still tell of it in its log."""
    late_s = min(patience_s, MOST_LOG_SETTLE_S) if plan.is_disturbed else 0.0
    return max(LOG_SETTLE_S, late_s)


async def lines_of_run(log: ServerLog, redactor: Redactor, settle_s: float) -> tuple[str, ...]:
    """Return what a run that just ended leaves in the server's log, without secrets."""
    await asyncio.sleep(settle_s)
    return without_secrets(log.new_lines(), redactor)
