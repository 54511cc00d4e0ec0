"""Run one service process: bind, report the port to the parent, serve, end with the parent.

The process binds its own socket and reports the port, so no port is picked before it is bound. The
socket listens before the report goes out: whoever reads it can connect at once and waits in the
backlog until the service serves.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"
SHUTDOWN_S = 2
# A stopping container has 10 s: these, SHUTDOWN_S, and what the chat backend takes to drain.
LINGER_S = 0.15
ARRIVALS_S = 1.5
LOOK_AGAIN_S = 0.005
_BACKLOG = 2048

_log = logging.getLogger(__name__)


class _Server(uvicorn.Server):
    """Closes what it serves once nobody is at the door; uvicorn refuses those there with 500."""

    def __init__(self, config: uvicorn.Config, has_arrivals: Callable[[], bool] | None) -> None:
        super().__init__(config)
        self._has_arrivals = has_arrivals

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Wait for arrivals, and shut down."""
        if self._has_arrivals is not None:
            # Those that the kernel has taken in and we have not yet would be reset.
            await asyncio.sleep(LINGER_S)
            with suppress(TimeoutError):
                async with asyncio.timeout(ARRIVALS_S):
                    while self._has_arrivals():
                        await asyncio.sleep(LOOK_AGAIN_S)
        await super().shutdown(sockets)


def run_service(
    name: str,
    app: ASGIApp,
    *,
    ping_interval_s: float = 20.0,
    ping_timeout_s: float = 20.0,
    has_arrivals: Callable[[], bool] | None = None,
) -> None:
    """Serve `app` as the command line of this process says, until a signal or the parent's end.

    Then it first waits a moment for clients that `has_arrivals` says are still at the door.
    WebSockets are pinged each `ping_interval_s`, and closed with 1011 `ping_timeout_s` later unless
    a pong came; both are 20 s with uvicorn.
    """
    given = options(name)
    listening = listener(name, given.port)
    report_port(name, listening)
    if given.end_with_parent:
        end_with_parent()
    server = _Server(
        uvicorn.Config(
            app,
            log_config=None,
            ws="websockets-sansio",
            lifespan="on",
            timeout_graceful_shutdown=SHUTDOWN_S,
            ws_ping_interval=ping_interval_s,
            ws_ping_timeout=ping_timeout_s,
        ),
        has_arrivals,
    )
    server.run(sockets=[listening])
    if not server.started:
        sys.exit(3)


def options(name: str) -> argparse.Namespace:
    """Read the command line of a service: `port` and `end_with_parent`."""
    parser = argparse.ArgumentParser(description=f"Run the {name} of local staging.")
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument(
        "--end-with-parent",
        action="store_true",
        help="end when standard input ends; a parent that dies closes it, on every system",
    )
    return parser.parse_args()


def listener(name: str, port: int) -> socket.socket:
    """Return a socket that listens; when that fails, the parent is told and the process ends."""
    try:
        return socket.create_server((HOST, port), backlog=_BACKLOG)
    except OSError as error:
        problem = f"cannot listen on {HOST}:{port}: {error.strerror}"
        _log.error("%s", problem)
        _report({"problem": problem})
        sys.exit(1)


def report_port(name: str, listening: socket.socket) -> None:
    """Tell the parent where the service listens."""
    port = listening.getsockname()[1]
    _log.info("%s listens on %s:%d", name, HOST, port)
    _report({"port": port})


def end_with_parent() -> None:
    """From now on, end when standard input does."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _report(fields: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def _end_with_parent() -> None:
    # Not sys.stdin.read(): its lock, held by this daemon thread, aborts the interpreter's exit.
    while os.read(0, 1024):
        pass
    _log.info("the parent process ended")
    os.kill(os.getpid(), signal.SIGTERM)
    threading.Event().wait(2 * SHUTDOWN_S)
    os._exit(1)
