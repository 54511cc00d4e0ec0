"""`deadheat demo`: find a race in the local stand-in for staging, from recording to report."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="where to put a new folder with everything the demo makes (default: runs)",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Tell the story, then the report's path and what was found."""
    from capture.clock import monotonic_ns
    from capture.errors import DeadheatError
    from deadheat.demo.story import run_demo
    from deadheat.output_directory import numbered_directory
    from local_staging.errors import StagingError
    from replay.finding import headline

    directory = numbered_directory(options.out, "demo")
    began_ns = monotonic_ns()

    def tell(chapter: str) -> None:
        print(f"[{(monotonic_ns() - began_ns) / 1e9:5.1f} s] {chapter}", flush=True)

    try:
        story = run_demo(directory, tell)
    except StagingError as error:
        raise DeadheatError(str(error)) from error
    fixed = "" if story.fixed is None else f"; fixed build: {headline(story.fixed)}"
    print(f"report: {story.report}")
    print(f"incident build: {headline(story.found)}{fixed}")
    return 0
