"""`deadheat report`: what a hunt found and what proves it, as one page that needs no network."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("hunt", type=Path, metavar="DIR", help="what `deadheat hunt --out` wrote")
    parser.add_argument("--out", required=True, type=Path, metavar="FILE", help="the HTML page")
    parser.add_argument(
        "--compare", type=Path, metavar="DIR2", help="a hunt of a changed server, same recording"
    )
    parser.add_argument("--title", default="Five whys", metavar="TEXT")
    parser.add_argument(
        "--notebook", type=Path, metavar="FILE", help="also keep the executed notebook"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace what is there")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the report and print its headline."""
    from evidence.report import write_report

    headline = write_report(
        options.hunt,
        options.out,
        comparison=options.compare,
        title=options.title,
        overwrite=options.overwrite,
        notebook=options.notebook,
    )
    print(headline)
    print(f"report: {options.out}")
    return 0
