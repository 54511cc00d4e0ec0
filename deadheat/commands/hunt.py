"""`deadheat hunt`: search for the timing that breaks the server, and say exactly what it is."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from deadheat import event_loop
from deadheat.check_arguments import add_check_arguments, checks_from
from deadheat.exit_status import FOUND
from deadheat.progress import TrialProgress
from deadheat.target_arguments import (
    add_surroundings_arguments,
    add_target_arguments,
    limits_of,
    surroundings_from,
    target_from,
    tokens_from,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from replay.experiment import Trial
    from replay.statistics import Comparison, Rate


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("capture", type=Path, metavar="CAPTURE")
    add_target_arguments(parser)
    parser.add_argument(
        "--budget", type=_positive, default=200, metavar="RUNS", help="at most this many runs"
    )
    parser.add_argument("--seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--rate-runs",
        type=_positive,
        default=20,
        metavar="N",
        help="runs that the final rate rests on, and as many controls (default: 20)",
    )
    parser.add_argument(
        "--plan",
        type=Path,
        metavar="PLAN",
        help="obey this plan; if it or a finding has edits, search nothing and measure them",
    )
    add_surroundings_arguments(parser)
    add_check_arguments(parser)
    parser.add_argument("--out", required=True, type=Path, metavar="DIR")
    parser.add_argument("--overwrite", action="store_true", help="replace an earlier hunt in DIR")
    parser.add_argument("--json", action="store_true", help="print the result as one JSON line")
    parser.add_argument(
        "--fail-on-finding", action="store_true", help=f"exit with {FOUND} when a race was found"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Hunt, write DIR, print what was found."""
    from replay.finding import sentences
    from replay.hunt import HuntRequest, HuntSettings, hunt
    from replay.plan_file import PlanFile, read_plan_file, read_rate

    plan_file = read_plan_file(options.plan) if options.plan is not None else PlanFile()
    before = read_rate(options.plan) if options.plan is not None else None
    target = target_from(options)
    request = HuntRequest(
        capture=options.capture,
        target=target,
        tokens=tokens_from(options),
        directory=options.out,
        log=options.log,
        settings=HuntSettings(options.budget, options.seed, options.rate_runs, plan_file.edits),
        overwrite=options.overwrite,
        surroundings=surroundings_from(options),
        limits=limits_of(options, target),
        checks=checks_from(options),
        amend=plan_file.amended,
    )
    progress = TrialProgress(options.budget)
    trials: list[Trial] = []

    def on_trial(trial: Trial) -> None:
        trials.append(trial)
        progress.on_trial(trial)

    result = event_loop.run(hunt(request, on_trial))
    progress.end()
    change = None if before is None else _compared(before, trials)
    if options.json:
        compared = {} if change is None else {"comparison": change.to_json()}
        print(json.dumps(result.to_json() | compared))
    else:
        compared_with = [] if change is None else [f"  {options.plan}: {change.sentence}"]
        print("\n".join([*sentences(result), *compared_with, f"  records: {options.out}"]))
    return FOUND if options.fail_on_finding and result.finding is not None else 0


def _compared(before: Rate, trials: Sequence[Trial]) -> Comparison:
    """Return how often the edits fail now, beside how often they failed when they were found."""
    from replay.failure import rate_of
    from replay.statistics import compared

    return compared(before, rate_of([trial.verdict for trial in trials if trial.purpose == "rate"]))


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)
