"""The arguments that name checks, and how their outcomes are shown."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deadheat.exit_status import CANNOT_TELL, FOUND

# A longer one moves what it saw to the right, and that of no other.
WIDEST = 36

if TYPE_CHECKING:
    from replay.oracles.checks import Check, Outcome


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    parser.add_argument(
        "--check",
        action="append",
        default=[],
        metavar="CHECK",
        help="what has to hold in a run, as in no_lost_message, exactly_once:by=$.id, "
        "handshake_within:2s or checks.py:my_check (also in deadheat.toml; see docs/checks.md)",
    )
    parser.add_argument("--log", type=Path, metavar="FILE", help="the server's log, to read along")


def checks_from(options: argparse.Namespace) -> tuple[Check, ...]:
    """Return the checks of the configuration and the command line. Raises CheckError."""
    from replay.check_list import chosen_checks

    return chosen_checks(options.check)


def lines_of(outcomes: Sequence[Outcome]) -> list[str]:
    """Return a line a check: the verdict, the check, what it saw."""
    width = min(WIDEST, max((len(outcome.check) for outcome in outcomes), default=0))
    return [
        f"{outcome.verdict:8}{outcome.check:{width}}  {outcome.detail}".rstrip()
        for outcome in outcomes
    ]


def status_of(outcomes: Sequence[Outcome]) -> int:
    """Return the exit status for `--fail-on-finding`: a failure goes before an unknown."""
    verdicts = [outcome.verdict for outcome in outcomes]
    return FOUND if "fail" in verdicts else CANNOT_TELL if "unknown" in verdicts else 0
