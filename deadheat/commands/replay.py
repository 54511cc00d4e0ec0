"""`deadheat replay`: send a recorded session again, as it was or with altered timing."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from deadheat.target_arguments import add_target_arguments, target_from, tokens_from

if TYPE_CHECKING:
    from capture.format.model import Capture


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("capture", type=Path, metavar="CAPTURE")
    add_target_arguments(parser)
    parser.add_argument(
        "--plan", type=Path, metavar="PLAN", help="a plan or finding whose edits to apply"
    )
    parser.add_argument(
        "--pace",
        choices=("recorded", "causal", "burst"),
        default="causal",
        help="how to keep time (default: causal)",
    )
    parser.add_argument(
        "--patience",
        type=float,
        default=5.0,
        metavar="S",
        help="wait this much longer than recorded for the server (default: 5)",
    )
    parser.add_argument("--out", required=True, type=Path, metavar="RUN")
    parser.add_argument("--overwrite", action="store_true", help="replace RUN if it exists")
    parser.add_argument(
        "--json", action="store_true", help="print the events of the run, then a summary"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Replay once and write the run."""
    from capture.errors import UnwritableOutput
    from capture.format.reader import read_capture
    from replay.engine.live import RunSettings, run_live
    from replay.oracles.departures import departures
    from replay.perturbations import perturbed
    from replay.plan import Pace
    from replay.plan_file import read_edits
    from replay.planning import plan_from_capture

    if options.out.exists() and options.out.samefile(options.capture):
        raise UnwritableOutput(f"{options.out} is the capture itself: name another file")
    target = target_from(options)
    recorded = read_capture(options.capture)
    plan = plan_from_capture(recorded, Pace(options.pace))
    edits = read_edits(options.plan) if options.plan is not None else ()
    about = (("edits", json.dumps([edit.to_json() for edit in edits])),)
    settings = RunSettings(target, tokens_from(options), options.patience, about)
    replayed = asyncio.run(
        run_live(perturbed(plan, edits), settings, options.out, overwrite=options.overwrite)
    )
    _print(replayed, departures(replayed, recorded, plan.connections), options)
    return 0


def _print(replayed: Capture, departed: list[str], options: argparse.Namespace) -> None:
    import msgspec

    from capture.timeline import summary_line
    from replay.lateness import lateness

    late = lateness(replayed)
    if options.json:
        for event in replayed.events:
            print(msgspec.json.encode(event).decode())
        summary = {
            "event": "summary",
            "run": str(options.out),
            "connections": len(replayed.connection_ids()),
            "departures": departed,
            "lateness": late.to_json() if late is not None else None,
        }
        print(json.dumps(summary))
        return
    for departure in departed:
        print(f"not as recorded: {departure}")
    print(summary_line(replayed))
    if late is not None:
        print(late)
    print(f"run: {options.out}")
