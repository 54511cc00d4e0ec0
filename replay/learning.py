"""Learning what is normal, from unperturbed runs, before anything is accused.

A server may remember one run in the next, may not be the server that was recorded, and says things
unasked: each of these would make a bad baseline, and is found here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from capture.format.model import Capture
from replay.engine.remarks import unplanned
from replay.experiment import Experiment, Trial
from replay.oracles.checks import text_of
from replay.oracles.checks.screening import set_aside
from replay.oracles.departures import departures
from replay.oracles.differential import Baseline
from replay.oracles.log import LogBaseline
from replay.oracles.transcript import transcripts
from replay.perturbations import Gap
from replay.plan import Plan, Step
from replay.planning import plan_from_capture

BASELINE_RUNS = 5
ALIKE_RUNS = 3
SETTLE_LADDER_S = (0.05, 0.5, 2.0)
# By how much each gap is longer in the stretched runs: what comes unasked comes at its own times,
# and the sweep has gaps of seconds.
STRETCHES_NS = (100_000_000, 1_000_000_000)
# Where that takes no time, also what comes every few seconds.
MORE_STRETCHES_NS = (8_000_000_000, 25_000_000_000)
# What is left of a stretch where the server ends the session otherwise than recorded.
EARLIER = (0.8, 0.55)
STRETCHED_RUNS = len(STRETCHES_NS)
MOST_STRETCHED_RUNS = STRETCHED_RUNS * (1 + len(EARLIER)) + len(MORE_STRETCHES_NS)
LEARNING_RUNS = BASELINE_RUNS + STRETCHED_RUNS
MIN_PATIENCE_S = 0.4
MAX_PATIENCE_S = 5.0
MAX_STRETCH_NS = 3_000_000_000


@dataclass(frozen=True, slots=True)
class Learned:
    """Whether there is a baseline to judge by, and what a person should know of it."""

    is_sound: bool
    reasons: tuple[str, ...] = ()


async def learn(experiment: Experiment, recorded: Capture) -> Learned:
    """Give the experiment its baseline, the rest between runs, and a plan to rely on."""
    runs, problem = await _rested(experiment, recorded)
    compared: tuple[Capture, ...] = ()
    if problem:
        # What the server issues anew each time may have been sent as it was recorded.
        compared = tuple(trial.run for trial in experiment.trials)
        replanned = _planned(experiment, recorded, compared)
        if replanned.correlation != experiment.plan.correlation:
            experiment.plan = replanned
            runs, problem = await _rested(experiment, recorded)
    if problem:
        return Learned(False, (f"unperturbed runs do not go as recorded: {problem}",))
    pushes = await _learn_from(runs, experiment, recorded)
    replanned = _planned(experiment, recorded, compared, pushes)
    if replanned.connections != experiment.plan.connections:
        # Some step was taken to wait for what comes by itself: then its timing was chance.
        experiment.plan = replanned
        await _learn_from([], experiment, recorded)
    reasons = (*_unplanned(experiment), *_screen_checks(experiment))
    if experiment.settle_s == SETTLE_LADDER_S[0]:
        return Learned(True, reasons)
    remembers = (
        f"runs need {experiment.settle_s} s between them: the server remembers a session after "
        "its end"
    )
    return Learned(True, (remembers, *reasons))


def _unplanned(experiment: Experiment) -> Iterator[str]:
    """Yield what is otherwise than planned in each unperturbed run: the first of that is enough."""
    runs = [trial.run for trial in experiment.trials if trial.purpose == "baseline"]
    first, *others = [unplanned(run) for run in runs[-BASELINE_RUNS:]]
    always = [remark for remark in first if all(remark in other for other in others)]
    if always:
        yield f"unperturbed runs are not as planned: {always[0]}"


def _screen_checks(experiment: Experiment) -> tuple[str, ...]:
    """Leave the checks out that say nothing of timing; return why."""
    baseline = [trial for trial in experiment.trials if trial.purpose == "baseline"]
    reasons = set_aside([trial.outcomes for trial in baseline[-BASELINE_RUNS:]])
    kept = (check for check in experiment.checks if text_of(check) not in reasons)
    experiment.checks = tuple(kept)
    return tuple(reasons.values())


def _planned(
    experiment: Experiment,
    recorded: Capture,
    compared: Sequence[Capture],
    pushes: frozenset[str] = frozenset(),
) -> Plan:
    return experiment.amend(plan_from_capture(recorded, experiment.plan.pace, pushes, compared))


async def _rested(experiment: Experiment, recorded: Capture) -> tuple[list[Trial], str]:
    """Return a few runs that are alike, after as much rest as it takes, or what is otherwise."""
    runs: list[Trial] = []
    problem = ""
    for settle_s in SETTLE_LADDER_S:
        experiment.settle_s = settle_s
        runs, problem = await _alike(experiment, recorded)
        if not problem:
            break
    return runs, problem


async def _alike(experiment: Experiment, recorded: Capture) -> tuple[list[Trial], str]:
    """Return a few unperturbed runs, up to the first that goes otherwise than recorded."""
    runs = []
    for _ in range(ALIKE_RUNS):
        runs.append(await experiment.run((), "baseline"))
        problems = departures(runs[-1].run, recorded, experiment.plan.connections)
        if problems:
            # It may say of itself why.
            complained = LogBaseline.learned(()).judge(runs[-1].log).symptoms
            said = f"; the server's log: {complained[0].detail}" if complained else ""
            return runs, problems[0] + said
    return runs, ""


async def _learn_from(
    runs: list[Trial], experiment: Experiment, recorded: Capture
) -> frozenset[str]:
    """Set the baseline, from these and more runs; return the kinds that come unasked."""
    while len(runs) < BASELINE_RUNS:
        runs.append(await experiment.run((), "baseline"))
    if experiment.patience_s is None:
        patience_s = _patience_s(trial.run for trial in runs)
        experiment.settings = replace(experiment.settings, patience_s=patience_s)
    takes_no_time = experiment.settings.carrier.is_repeatable
    stretches_ns = STRETCHES_NS + (MORE_STRETCHES_NS if takes_no_time else ())
    stretched = []
    for stretch_ns in stretches_ns:
        stretched.append(await _stretched(experiment, stretch_ns))
        # A race may be just there; then what comes unasked shows a little earlier.
        for share in EARLIER if stretch_ns in STRETCHES_NS else ():
            if not departures(stretched[-1].run, recorded, experiment.plan.connections):
                break
            stretched.append(await _stretched(experiment, stretch_ns, share))
    return _take(experiment, runs, stretched, recorded)


def learn_more(experiment: Experiment, recorded: Capture, controls: Sequence[Trial]) -> None:
    """Set the baseline anew, from its runs and these.

    Of a few words that a server draws one from, five runs may all have had the same.
    """
    by_purpose = {
        purpose: [trial for trial in experiment.trials if trial.purpose == purpose][-most:]
        for purpose, most in (("baseline", BASELINE_RUNS), ("stretched", MOST_STRETCHED_RUNS))
    }
    runs = [*by_purpose["baseline"], *controls]
    _take(experiment, runs, by_purpose["stretched"], recorded)


def _take(
    experiment: Experiment, runs: Sequence[Trial], stretched: Sequence[Trial], recorded: Capture
) -> frozenset[str]:
    names = experiment.plan.connections
    baseline = Baseline.learned(
        [trial.run for trial in runs],
        [trial.run for trial in stretched if not departures(trial.run, recorded, names)],
    )
    experiment.baseline = baseline
    experiment.log_baseline = LogBaseline.learned(trial.log for trial in runs)
    return baseline.pushes()


async def _stretched(experiment: Experiment, stretch_ns: int, share: float = 1.0) -> Trial:
    """Run with every gap longer, by a share of a stretch: it shows what the server says unasked.

    The steps of all connections keep their order: who asks earlier may rightly hear less.
    """
    order = sorted(experiment.plan.steps(), key=lambda step: (step.recorded_at_ns, step.index))
    most_ns = MAX_STRETCH_NS // max(1, len(order))
    extra_ns = min(stretch_ns, most_ns) if stretch_ns in STRETCHES_NS else stretch_ns
    extra_ns = round(share * extra_ns)
    edits = [_later(before, step, extra_ns) for before, step in pairwise(order)]
    return await experiment.run(edits, "stretched")


def _later(before: Step, step: Step, extra_ns: int) -> Gap:
    """Return the gap of a step, longer; after the step of another connection it counts from it."""
    if before.connection == step.connection:
        return Gap(step.connection, step.index, step.after, step.gap_ns + extra_ns)
    apart_ns = step.recorded_at_ns - before.recorded_at_ns
    return Gap(step.connection, step.index, before.as_event, apart_ns + extra_ns)


def _patience_s(runs: Iterable[Capture]) -> float:
    """Return a few times as long as the server ever took, so that failing runs come to an end."""
    slowest_ns = max(
        (
            reply.latency_ns
            for run in runs
            for transcript in transcripts(run).values()
            for reply in transcript.replies
        ),
        default=0,
    )
    return min(MAX_PATIENCE_S, max(MIN_PATIENCE_S, 4 * slowest_ns / 1e9))
