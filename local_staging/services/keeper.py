"""Run a program that knows nothing of us, and end it with us: `python -m …keeper … -- COMMAND`.

The program's own process cannot be told to watch its parent. This one can: its standard input is a
pipe that nobody writes to, and that the system closes when the parent is gone, however it went.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

STOP_S = 8.0


def main() -> None:
    """Run the command until it ends or standard input does; then remove the directory."""
    parser = argparse.ArgumentParser(description="Run a command for as long as standard input.")
    parser.add_argument("--user", help="whom to run it as (only root can choose)")
    parser.add_argument("--remove", type=Path, metavar="DIR", help="a directory to remove after it")
    parser.add_argument("--stop-signal", default="SIGTERM", help="what ends it (default: SIGTERM)")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    try:
        sys.exit(kept(options.command, options.user, signal.Signals[options.stop_signal]))
    finally:
        if options.remove is not None:
            shutil.rmtree(options.remove, ignore_errors=True)


def kept(command: list[str], user: str | None, stop_signal: signal.Signals) -> int:
    """Run the command and return its exit status; it is ended when standard input ends."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, user=user) as process:
        watching = threading.Thread(target=_end_with_parent, args=(process, stop_signal))
        watching.daemon = True
        watching.start()
        # A signal for this process is one for the program.
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, lambda *_: _end(process, stop_signal))
        return process.wait()


def _end_with_parent(process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
    # Not sys.stdin.read(): its lock, held by this daemon thread, aborts the interpreter's exit.
    while os.read(0, 1024):
        pass
    _end(process, stop_signal)


def _end(process: subprocess.Popen[bytes], stop_signal: signal.Signals) -> None:
    process.send_signal(stop_signal)
    killing = threading.Timer(STOP_S, process.kill)
    killing.daemon = True
    killing.start()


if __name__ == "__main__":
    main()
