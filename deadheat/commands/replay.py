"""`deadheat replay`: send a recorded session again, as it was or with altered timing."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from deadheat import event_loop
from deadheat.check_arguments import add_check_arguments, checks_from, lines_of, status_of
from deadheat.exit_status import CANNOT_TELL, FOUND
from deadheat.target_arguments import (
    add_compare_argument,
    add_surroundings_arguments,
    add_target_arguments,
    compared,
    limits_of,
    surroundings_from,
    target_from,
    tokens_from,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capture.format.model import Capture
    from replay.engine.live import RunSettings
    from replay.oracles.checks import Outcome
    from replay.plan import Plan


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("capture", type=Path, metavar="CAPTURE")
    add_target_arguments(parser)
    parser.add_argument(
        "--plan", type=Path, metavar="PLAN", help="a plan or finding whose edits to apply"
    )
    add_compare_argument(parser)
    parser.add_argument(
        "--pace",
        choices=("recorded", "causal", "hybrid", "burst"),
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
    add_surroundings_arguments(parser)
    add_check_arguments(parser)
    parser.add_argument("--out", type=Path, metavar="RUN")
    parser.add_argument(
        "--dry-run", action="store_true", help="send nothing; print what would be sent, and when"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace RUN if it exists")
    parser.add_argument(
        "--json", action="store_true", help="print the events of the run, then a summary"
    )
    parser.add_argument(
        "--fail-on-finding",
        action="store_true",
        help=f"exit with {FOUND} when a check fails, with {CANNOT_TELL} when one cannot tell",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Replay once and write the run."""
    from capture.errors import UnwritableOutput
    from capture.format.reader import read_capture
    from replay.engine.live import RunSettings
    from replay.oracles.departures import departures
    from replay.plan import Pace
    from replay.plan_file import PlanFile, read_plan_file
    from replay.planning import plan_from_capture

    recorded = read_capture(options.capture)
    plan = plan_from_capture(recorded, Pace(options.pace), runs=compared(options))
    plan_file = read_plan_file(options.plan) if options.plan is not None else PlanFile()
    perturbed = plan_file.applied_to(plan)
    if options.dry_run:
        return _tell(perturbed, as_json=options.json)
    if options.out is None:
        raise UnwritableOutput("there is nowhere to write the run: pass --out RUN")
    if options.out.exists() and options.out.samefile(options.capture):
        raise UnwritableOutput(f"{options.out} is the capture itself: name another file")
    target = target_from(options)
    about = (("edits", json.dumps([edit.to_json() for edit in plan_file.edits])),)
    surroundings = surroundings_from(options)
    limits = limits_of(options, target)
    settings = RunSettings(
        target, tokens_from(options), options.patience, about, surroundings, limits
    )
    replayed, outcomes = event_loop.run(_replayed(perturbed, settings, options))
    departed = departures(replayed, recorded, plan.connections)
    _print(replayed, departed, outcomes, options)
    return status_of(outcomes) if options.fail_on_finding else 0


def _tell(plan: Plan, *, as_json: bool) -> int:
    """Print what would be sent."""
    from replay.dry_run import dry_run, line_of

    for step in dry_run(plan):
        print(json.dumps(step) if as_json else line_of(step))
    return 0


async def _replayed(
    plan: Plan, settings: RunSettings, options: argparse.Namespace
) -> tuple[Capture, Sequence[Outcome]]:
    """Return the run, and what the checks say of it."""
    from capture.redaction import Redactor
    from replay.engine.live import run_live
    from replay.experiment import lines_of_run, observed
    from replay.log_tail import LogTail
    from replay.oracles.checks import judged

    # What is wrong with these shows before anything is sent.
    checks = checks_from(options)
    log = LogTail(options.log) if options.log is not None else None
    async with settings.surroundings:
        replayed = await run_live(plan, settings, options.out, overwrite=options.overwrite)
    lines = None if log is None else await lines_of_run(log, Redactor())
    return replayed, judged(checks, observed(replayed, plan, lines))


def _print(
    replayed: Capture,
    departed: list[str],
    outcomes: Sequence[Outcome],
    options: argparse.Namespace,
) -> None:
    import msgspec

    from capture.format.model import Note
    from capture.timeline import summary_line
    from replay.correlation import CORRELATED
    from replay.lateness import lateness

    late = lateness(replayed)
    correlated = [
        event
        for event in replayed.events
        if isinstance(event, Note) and event.text.startswith(CORRELATED)
    ]
    if options.json:
        for event in replayed.events:
            print(msgspec.json.encode(event).decode())
        for outcome in outcomes:
            print(json.dumps({"event": "check"} | outcome.to_json()))
        summary = {
            "event": "summary",
            "run": str(options.out),
            "connections": len(replayed.connection_ids()),
            "departures": departed,
            "correlated": [note.text for note in correlated],
            "lateness": late.to_json() if late is not None else None,
        }
        if outcomes:
            summary["checks"] = {outcome.check: outcome.verdict for outcome in outcomes}
        print(json.dumps(summary))
        return
    for departure in departed:
        print(f"not as recorded: {departure}")
    print(summary_line(replayed))
    if correlated:
        values = (
            "1 value that the server issued was"
            if len(correlated) == 1
            else (f"{len(correlated)} values that the server issued were")
        )
        print(f"{values} replaced by the live one (deadheat show {options.out} lists them)")
    if late is not None:
        print(late)
    print("\n".join([*lines_of(outcomes), f"run: {options.out}"]))
