"""`deadheat hunt`: search for the timing that breaks the server, and say exactly what it is."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from deadheat.progress import TrialProgress
from deadheat.target_arguments import add_target_arguments, target_from, tokens_from

FOUND = 3


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
        help="search nothing, measure the edits of this plan or finding: does a fix help?",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="the server's log, to read along")
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
    from replay.plan_file import read_edits

    edits = read_edits(options.plan) if options.plan is not None else ()
    request = HuntRequest(
        capture=options.capture,
        target=target_from(options),
        tokens=tokens_from(options),
        directory=options.out,
        log=options.log,
        settings=HuntSettings(options.budget, options.seed, options.rate_runs, edits),
        overwrite=options.overwrite,
    )
    progress = TrialProgress(options.budget)
    result = asyncio.run(hunt(request, progress.on_trial))
    progress.end()
    if options.json:
        print(json.dumps(result.to_json()))
    else:
        print("\n".join([*sentences(result), f"  records: {options.out}"]))
    return FOUND if options.fail_on_finding and result.finding is not None else 0


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)
