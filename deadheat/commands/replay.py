"""`deadheat replay`: send a recorded session again, as it was or with altered timing."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from deadheat import event_loop
from deadheat.check_arguments import add_check_arguments, checks_from, lines_of, status_of
from deadheat.dry_run import show_dry_run
from deadheat.exit_status import CANNOT_TELL, FOUND
from deadheat.target_arguments import (
    add_compare_argument,
    add_surroundings_arguments,
    add_target_arguments,
    compared,
    destination_from,
    dry_destination_from,
    named_tokens_from,
    sign_in,
    surroundings_from,
    tokens_from,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from capture.format.model import Capture
    from deadheat.target_arguments import Destination
    from replay.engine.live import RunSettings
    from replay.log_tail import ServerLog
    from replay.oracles.checks import Outcome
    from replay.perturbations import Perturbation
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
    parser.add_argument("--out", type=Path, metavar="RUN", help="needed unless with --dry-run")
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
    """Replay once and write the run; with `--dry-run` say what would be sent."""
    from capture.errors import UnwritableOutput
    from capture.format.reader import read_capture
    from replay.oracles.departures import departures
    from replay.plan import Pace
    from replay.plan_file import PlanFile, read_plan_file
    from replay.planning import plan_from_capture

    recorded = read_capture(options.capture)
    plan = plan_from_capture(recorded, Pace(options.pace), runs=compared(options))
    plan_file = read_plan_file(options.plan) if options.plan is not None else PlanFile()
    if options.dry_run:
        return _tell(plan_file.amended(plan), plan_file.edits, options)
    if options.out is None:
        raise UnwritableOutput("there is nowhere to write the run: pass --out RUN, or --dry-run")
    if options.out.exists() and options.out.samefile(options.capture):
        raise UnwritableOutput(f"{options.out} is the capture itself: name another file")
    to_send = plan_file.applied_to(plan)
    destination = destination_from(options)
    settings = _settings(to_send, plan_file.edits, destination, options)
    work = _replayed(to_send, settings, destination.log, options)
    replayed, outcomes = event_loop.run(work, destination.new_loop)
    departed = departures(replayed, recorded, plan.connections)
    _print(replayed, departed, outcomes, options)
    return status_of(outcomes) if options.fail_on_finding else 0


def _settings(
    to_send: Plan,
    edits: Sequence[Perturbation],
    destination: Destination,
    options: argparse.Namespace,
) -> RunSettings:
    """Return how the plan is carried out, once it may be, and whoever has to signed in."""
    from replay.engine.forecast import check_plan
    from replay.engine.live import RunSettings

    check_plan(to_send, destination.limits)
    surroundings = surroundings_from(options, destination.configuration)
    tokens = tokens_from(options, destination.configuration)
    sign_in(tokens, to_send)
    about = (("edits", json.dumps([edit.to_json() for edit in edits])),)
    return RunSettings(
        destination.target,
        tokens,
        options.patience,
        about,
        surroundings,
        destination.limits,
        destination.carrier,
    )


def _tell(plan: Plan, edits: tuple[Perturbation, ...], options: argparse.Namespace) -> int:
    """Print what would be sent."""
    from replay.dry_run import DryRun
    from replay.errors import PlanError
    from replay.perturbations import perturbed

    to = dry_destination_from(options)
    tokens = named_tokens_from(options, to.configuration)
    forbidden = to.forbidden
    try:
        surroundings_from(options, to.configuration).check(perturbed(plan, edits))
    except PlanError as error:
        forbidden = forbidden or str(error)
    dry_run = DryRun(plan, edits, to.target, to.limits, tokens, forbidden)
    show_dry_run(dry_run, as_json=options.json)
    return 0


async def _replayed(
    plan: Plan, settings: RunSettings, log: ServerLog | None, options: argparse.Namespace
) -> tuple[Capture, Sequence[Outcome]]:
    """Return the run, and what the checks say of it."""
    from capture.redaction import Redactor
    from replay.engine.live import run_live
    from replay.errors import LimitExceeded
    from replay.experiment import doubt_of, lines_of_run, log_settle_s, observed
    from replay.limits import stopped_by
    from replay.oracles.checks import judged

    # What is wrong with these shows before anything is sent.
    checks = checks_from(options)
    redactor = Redactor()
    settings = replace(settings, on_secret=redactor.remember)
    async with settings.surroundings:
        replayed = await run_live(plan, settings, options.out, overwrite=options.overwrite)
    if stopped := stopped_by(replayed):
        raise LimitExceeded(f"{stopped}; {options.out} has what was sent until then")
    lines = None
    if log is not None:
        settle_s = log_settle_s(plan, settings.patience_s)
        lines = await lines_of_run(log, redactor, settle_s)
    outcomes = judged(checks, observed(replayed, plan, lines))
    reason = doubt_of(replayed)
    return replayed, [outcome.doubted(reason) for outcome in outcomes] if reason else outcomes


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
    from replay.engine.remarks import unplanned
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
            "unplanned": unplanned(replayed),
            "correlated": [note.text for note in correlated],
            "lateness": late.to_json() if late is not None else None,
        }
        if outcomes:
            summary["checks"] = {outcome.check: outcome.verdict for outcome in outcomes}
        print(json.dumps(summary))
        return
    for departure in departed:
        print(f"not as recorded: {departure}")
    for remark in unplanned(replayed):
        print(f"not as planned: {remark}")
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
