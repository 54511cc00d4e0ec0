"""`deadheat show`: what a capture holds, for people or (with --json) for programs."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("capture", type=Path, metavar="CAPTURE")
    parser.add_argument("--json", action="store_true", help="one event a line, the file's fields")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the events in order of time; what is wrong with the file goes to standard error."""
    import msgspec

    from capture.format.reader import read_capture
    from capture.timeline import summary_line, timeline_line

    capture = read_capture(options.capture)
    if options.json:
        encoder = msgspec.json.Encoder()
        for event in capture.events:
            print(encoder.encode(event).decode())
    else:
        print(summary_line(capture))
        origin_ns = capture.events[0].at_ns if capture.events else 0
        for event in capture.events:
            print(timeline_line(event, origin_ns))
    if capture.problem:
        print(f"deadheat: {options.capture}: {capture.problem}", file=sys.stderr)
    return 0
