"""`deadheat export`: what was recorded or found, in the form that another tool reads."""

from __future__ import annotations

import argparse
from pathlib import Path

# A format is a module of its own beside `replay.pytest_export`, and a line in `run`.
FORMATS = ("har", "parquet", "perfetto", "pytest")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "source",
        type=Path,
        metavar="SOURCE",
        help="a capture, or for pytest also the directory of a hunt or a finding",
    )
    parser.add_argument("--to", required=True, choices=FORMATS, help="so far only pytest")
    parser.add_argument(
        "--capture", type=Path, metavar="CAPTURE", help="what a finding that lies alone is about"
    )
    parser.add_argument("--out", required=True, type=Path, metavar="FILE")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the files and say what to do with them."""
    from replay.errors import ReplayError
    from replay.pytest_export import source_from, write_test

    if options.to != "pytest":
        raise ReplayError(
            f"export to {options.to} is not there yet, only to pytest; `deadheat show --json` "
            "prints one event a line for any tool that reads JSON"
        )
    source = source_from(options.source, options.capture)
    for path in write_test(source, options.out, overwrite=options.overwrite):
        print(path)
    target = source.application or "ws://127.0.0.1:PORT"
    print(f"run it: pytest {options.out} --deadheat-target {target}")
    return 0
