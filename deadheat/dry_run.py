"""How a dry run is shown: lines as wide as the terminal, or one JSON object a line."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replay.dry_run import DryRun
    from replay.hunt_bounds import HuntBounds

WIDTH_IN_A_PIPE = 160


def show_dry_run(dry_run: DryRun, *, as_json: bool) -> None:
    """Print what a replay would send. Raises PlanError."""
    if as_json:
        print(json.dumps(dry_run.to_json()))
        for step in dry_run.steps():
            print(json.dumps(step.to_json()))
        for at_ns, change in dry_run.cues():
            print(json.dumps({"event": "cue", "at_ms": at_ns / 1e6, "what": change}))
        return
    for line in dry_run.lines(shutil.get_terminal_size((WIDTH_IN_A_PIPE, 0)).columns):
        print(line)


def show_hunt_bounds(bounds: HuntBounds, target: str, *, as_json: bool) -> None:
    """Print what a hunt would take at most."""
    if as_json:
        print(json.dumps(bounds.to_json() | {"target": target}))
        return
    for line in bounds.lines(target):
        print(line)
