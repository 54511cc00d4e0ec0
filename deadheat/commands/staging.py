"""`deadheat staging up`: start the local stand-in for staging, until a signal ends it."""

from __future__ import annotations

import argparse
import json
import signal
import threading
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    up = actions.add_parser("up", help="start the chat backend and the auth service")
    up.add_argument("--build", choices=("incident", "fixed"), default="incident")
    up.add_argument("--port", type=int, default=8000, help="of the chat backend (default: 8000)")
    up.add_argument(
        "--auth-port", type=int, default=8081, help="of the auth service (default: 8081)"
    )
    up.add_argument(
        "--directory",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="where to put a new folder with logs and keys (default: runs)",
    )
    up.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print one JSON line once everything serves; end on SIGINT or SIGTERM."""
    from capture.errors import DeadheatError
    from deadheat.output_directory import numbered_directory
    from local_staging.errors import StagingError
    from local_staging.launch import launch

    directory = numbered_directory(options.directory, f"staging-{options.build}")
    stopped = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stopped.set())
    ports = {"chat_port": options.port, "auth_port": options.auth_port}
    try:
        with launch(build=options.build, directory=directory, **ports) as staging:
            ready = {
                "ready": True,
                "build": options.build,
                "chat": staging.chat_url,
                "auth": staging.auth_url,
                "chat_log": str(staging.chat_log),
                "signing_key": str(staging.signing_key),
            }
            print(json.dumps(ready), flush=True)
            stopped.wait()
    except StagingError as error:
        raise DeadheatError(str(error)) from error
    return 0
