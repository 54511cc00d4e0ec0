"""`deadheat hunt`: search for the timing that breaks the server, and say exactly what it is."""

from __future__ import annotations

import argparse
import hashlib
import json
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deadheat import event_loop
from deadheat.check_arguments import add_check_arguments, checks_from
from deadheat.dry_run import show_hunt_bounds
from deadheat.exit_status import FOUND
from deadheat.progress import TrialProgress
from deadheat.target_arguments import (
    add_surroundings_arguments,
    add_target_arguments,
    destination_from,
    dry_destination_from,
    sign_in,
    surroundings_from,
    tokens_from,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from deadheat.target_arguments import Destination
    from replay.experiment import Trial
    from replay.finding import HuntResult
    from replay.hunt import HuntRequest, HuntSettings
    from replay.plan import Plan
    from replay.plan_file import PlanFile
    from replay.statistics import Comparison, Rate
    from replay.workers import Workers


# Runs against an application in this process cost no waiting.
BUDGET, BUDGET_IN_PROCESS = 200, 1_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("capture", type=Path, metavar="CAPTURE")
    add_target_arguments(parser)
    parser.add_argument(
        "--budget",
        type=_positive,
        metavar="RUNS",
        help=f"at most this many runs (default: {BUDGET}, with --app {BUDGET_IN_PROCESS})",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--rate-runs",
        type=_positive,
        default=20,
        metavar="N",
        help="runs that the rate of the first finding rests on, and as many controls "
        "(default: 20); half as many for each further one",
    )
    parser.add_argument(
        "--stop-at-first",
        action="store_true",
        help="end with the first race that is found, and not with the budget",
    )
    parser.add_argument(
        "--parallel",
        type=_positive,
        default=1,
        metavar="N",
        help="search with N runs at a time, with --app in N processes; only where sessions do not "
        "affect one another",
    )
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="PLAN",
        help="obey this plan; if it or a finding has edits, search nothing and measure them",
    )
    parser.add_argument(
        "--patience",
        type=float,
        metavar="S",
        help="wait this much longer than recorded for the server (default: a few times what it "
        "usually takes, up to 5)",
    )
    add_surroundings_arguments(parser)
    add_check_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="DIR", help="needed unless with --dry-run")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier hunt in DIR")
    parser.add_argument(
        "--resume", action="store_true", help="go on with the interrupted hunt in DIR"
    )
    parser.add_argument("--json", action="store_true", help="print the result as one JSON line")
    parser.add_argument(
        "--fail-on-finding", action="store_true", help=f"exit with {FOUND} when a race was found"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Hunt, write DIR, print what was found; with `--dry-run` say what that would take."""
    from capture.errors import UnwritableOutput
    from capture.format.reader import read_capture
    from replay.finding import sentences
    from replay.hunt import HuntSettings
    from replay.plan_file import PlanFile, read_plan_file, read_rate
    from replay.planning import plan_from_capture

    plan_file = read_plan_file(options.plan) if options.plan is not None else PlanFile()
    before = read_rate(options.plan) if options.plan is not None else None
    settings = HuntSettings(
        options.budget or (BUDGET if options.app is None else BUDGET_IN_PROCESS),
        options.seed,
        options.rate_runs,
        plan_file.edits,
        options.patience,
        options.stop_at_first,
        options.parallel,
    )
    plan = plan_file.amended(plan_from_capture(read_capture(options.capture)))
    # What is wrong with the edits shows before anything is sent.
    plan_file.applied_to(plan_from_capture(read_capture(options.capture)))
    if options.dry_run:
        return _tell(plan, settings, options)
    if options.out is None:
        raise UnwritableOutput("there is nowhere to write the runs: pass --out DIR, or --dry-run")
    destination = destination_from(options)
    request = _request(plan, plan_file, settings, destination, options)
    result, trials = _hunted(request, destination)
    change = None if before is None else _compared(before, trials)
    if options.json:
        compared = {} if change is None else {"comparison": change.to_json()}
        print(json.dumps(result.to_json() | compared))
    else:
        compared_with = [] if change is None else [f"  {options.plan}: {change.sentence}"]
        print("\n".join([*sentences(result), *compared_with, f"  records: {options.out}"]))
    return FOUND if options.fail_on_finding and result.finding is not None else 0


def _tell(plan: Plan, settings: HuntSettings, options: argparse.Namespace) -> int:
    """Print what the hunt would take at most."""
    from replay.hunt_bounds import HuntBounds

    to = dry_destination_from(options)
    show_hunt_bounds(HuntBounds(plan, settings, to.limits), to.shown, as_json=options.json)
    return 0


def _request(
    plan: Plan,
    plan_file: PlanFile,
    settings: HuntSettings,
    destination: Destination,
    options: argparse.Namespace,
) -> HuntRequest:
    """Return what to hunt in, once it may be, and whoever has to signed in."""
    from replay.engine.forecast import check_plan
    from replay.hunt import HuntRequest

    check_plan(plan, destination.limits)
    _check_parallel(plan, destination, options)
    surroundings = surroundings_from(options, destination.configuration)
    checks = checks_from(options)
    tokens = tokens_from(options, destination.configuration)
    sign_in(tokens, plan)
    return HuntRequest(
        capture=options.capture,
        target=destination.target,
        tokens=tokens,
        directory=options.out,
        log=destination.log,
        carrier=destination.carrier,
        settings=settings,
        overwrite=options.overwrite,
        resume=options.resume,
        surroundings=surroundings,
        limits=destination.limits,
        checks=checks,
        amend=plan_file.amended,
        asked={
            "plan_sha256": _digest(options.plan),
            "server_options": list(options.server_option),
            "fakes": list(options.fake),
            "edge": list(options.edge),
            "reads_log": destination.log is not None,
        },
    )


def _digest(path: Path | None) -> str | None:
    return None if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def _check_parallel(plan: Plan, destination: Destination, options: argparse.Namespace) -> None:
    """Raise ReplayError where runs at the same time would affect one another."""
    from replay.errors import ReplayError

    if options.parallel == 1:
        return
    if destination.application is not None:
        # Each run in flight has a process to itself.
        return
    most = destination.limits.max_connections
    reasons = {
        "the lines of the server's log are told apart by time": destination.log is not None,
        "a restart or a fault meets every run": bool(
            options.restart_command or options.fault_proxy
        ),
        f"{most} connections at a time are allowed": most is not None
        and most < options.parallel * len(plan.connections),
    }
    for reason, holds in reasons.items():
        if holds:
            raise ReplayError(f"--parallel {options.parallel} is not possible: {reason}")


def _hunted(request: HuntRequest, destination: Destination) -> tuple[HuntResult, list[Trial]]:
    from replay.hunt import hunt

    progress = TrialProgress(request.settings.budget)
    trials: list[Trial] = []

    def on_trial(trial: Trial) -> None:
        trials.append(trial)
        progress.on_trial(trial)

    try:
        with _workers(request, destination) as working:
            work = hunt(replace(request, workers=working), on_trial)
            return event_loop.run(work, destination.new_loop), trials
    finally:
        progress.end()


@contextmanager
def _workers(request: HuntRequest, destination: Destination) -> Iterator[Workers | None]:
    """Start processes for an application, if there are to be some."""
    from replay.workers import workers

    if destination.application is None or request.settings.parallel == 1:
        yield None
        return
    with workers(destination.application, request.settings.parallel) as working:
        yield working


def _compared(before: Rate, trials: Sequence[Trial]) -> Comparison:
    """Return how often the edits fail now, beside how often they failed when they were found."""
    from replay.failure import rate_of
    from replay.statistics import compared

    return compared(before, rate_of([trial.verdict for trial in trials if trial.purpose == "rate"]))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)
