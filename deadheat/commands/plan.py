"""`deadheat plan`: what a replay would wait for, and which values it would take from the server."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from deadheat.target_arguments import add_compare_argument, compared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("capture", type=Path, metavar="CAPTURE")
    parser.add_argument(
        "--plan", type=Path, metavar="PLAN", help="show it with the corrections of this plan file"
    )
    add_compare_argument(parser)
    parser.add_argument("--json", action="store_true", help="print it as one JSON line")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help="write it as a plan file, to be corrected"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Show what was inferred from a capture; write it if asked."""
    from capture.format.reader import read_capture
    from replay.plan_file import PlanFile, read_plan_file, write_plan_file
    from replay.plan_listing import listing, listing_json
    from replay.planning import plan_from_capture

    plan_file = read_plan_file(options.plan) if options.plan is not None else PlanFile()
    plan = plan_from_capture(read_capture(options.capture), runs=compared(options))
    plan = plan_file.amended(plan)
    if options.out is not None:
        write_plan_file(plan, options.out, overwrite=options.overwrite)
    if options.json:
        print(json.dumps(listing_json(plan)))
        return 0
    for line in listing(plan):
        print(line)
    if options.out is not None:
        print(f"plan: {options.out}", file=sys.stderr)
    return 0
