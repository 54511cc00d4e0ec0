"""`deadheat`: parse the arguments, run one command, turn an error into one clear line.

A command's own imports happen when it runs, so that `deadheat --help` answers at once.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from capture.errors import DeadheatError
from deadheat.event_loop import Terminated, terminate_in_order
from deadheat.exit_status import INTERRUPTED, TERMINATED

COMMANDS = {
    "demo": "find a race in the local stand-in for staging, from recording to report",
    "staging": "start the local stand-in for staging",
    "capture": "record a session, or import one",
    "show": "show what a capture holds",
    "plan": "show what a replay waits for, and which values are the server's",
    "replay": "send a recorded session again",
    "hunt": "search for the timing that breaks the server",
    "fault-proxy": "relay a TCP service with latency, resets and other faults",
    "report": "write the five-whys report of a hunt",
    "export": "write a test from a finding",
}
# As shells count them: 128 and the number of the signal.
WRONG_USAGE = 2


class _Parser(argparse.ArgumentParser):
    """A parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        """End with what was wrong and where to read on."""
        self.exit(WRONG_USAGE, f"deadheat: {message}; see {self.prog} --help\n")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = _Parser(
        prog="deadheat",
        description="Record WebSocket sessions, replay them under altered timing until the race "
        "shows, and prove it.",
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        sub = commands.add_parser(name, help=summary, description=summary.capitalize() + ".")
        import_module(f"deadheat.commands.{name.replace('-', '_')}").add_arguments(sub)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit status: 0 done, 1 could not, 2 wrong usage.

    SIGINT and SIGTERM end it in order, with what was done so far: 130 and 143.
    """
    options = argparse.Namespace()
    terminate_in_order()
    try:
        options = parser().parse_args(arguments)
        status: int = options.run(options)
    except DeadheatError as error:
        print(f"deadheat: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt as interruption:
        out = getattr(options, "out", None)
        kept = f"; what there was until then is in {out}" if out and out.exists() else ""
        print(f"deadheat: interrupted{kept}", file=sys.stderr)
        return TERMINATED if isinstance(interruption, Terminated) else INTERRUPTED
    except BrokenPipeError:
        # The reader of our output left (`deadheat show … | head`): nothing is wrong.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return status


if __name__ == "__main__":
    sys.exit(main())
