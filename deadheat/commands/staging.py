"""`deadheat staging up` and `cycle`: the local stand-in for staging."""

from __future__ import annotations

import argparse
import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from local_staging.dependencies import Address
    from local_staging.edge_settings import EdgeSettings
    from local_staging.services.backing import BackingServices


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    up = actions.add_parser(
        "up", help="start it: chat backend, auth service, Redis, PostgreSQL, Cloud Run's edge"
    )
    up.add_argument("--build", choices=("incident", "fixed"), default="incident")
    up.add_argument("--port", type=int, default=8000, help="of the chat backend (default: 8000)")
    up.add_argument(
        "--auth-port", type=int, default=8081, help="of the auth service (default: 8081)"
    )
    up.add_argument(
        "--in-memory",
        action="store_true",
        help="without Redis and PostgreSQL: what is kept ends with the chat backend",
    )
    up.add_argument(
        "--through",
        action="append",
        default=[],
        metavar="NAME=HOST:PORT",
        help="where the chat backend is to look for auth, model, redis or postgres, in place of "
        "the real address: that of a fault proxy; may be repeated",
    )
    up.add_argument(
        "--directory",
        type=Path,
        default=Path("runs"),
        metavar="DIR",
        help="where to put a new folder with logs and keys (default: runs)",
    )
    up.add_argument(
        "--edge",
        default="cloud-run",
        metavar="POLICY",
        help="what stands in front: cloud-run (default), plan (the test plan's 15 s for a "
        "handshake), short (small numbers), or none",
    )
    up.add_argument(
        "--limit",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a limit of the edge that is to differ, such as request_timeout_s=60; may be repeated",
    )
    up.set_defaults(run=run)
    cycle = actions.add_parser(
        "cycle", help="take the instances away as Cloud Run does: SIGTERM, 10 s, SIGKILL"
    )
    cycle.add_argument("--port", type=int, default=8000, help="of the edge (default: 8000)")
    cycle.set_defaults(run=run_cycle)


def run(options: argparse.Namespace) -> int:
    """Print one JSON line once everything serves; end on SIGINT or SIGTERM."""
    from capture.errors import DeadheatError
    from deadheat.output_directory import numbered_directory
    from local_staging.dependencies import Dependencies
    from local_staging.errors import StagingError
    from local_staging.launch import launch
    from local_staging.model_access import ModelAccess

    through = dict(map(_named_address, options.through))
    edge = _edge(options)
    directory = numbered_directory(options.directory, f"staging-{options.build}")
    stopped = threading.Event()
    try:
        with ExitStack() as stack:
            model = ModelAccess.from_environment(os.environ)
            services = None if options.in_memory else stack.enter_context(_services(directory))
            staging = stack.enter_context(
                launch(
                    chat=options.build,
                    directory=directory,
                    dependencies=Dependencies(services, through, model),
                    edge=edge,
                    chat_port=options.port,
                    auth_port=options.auth_port,
                )
            )
            ready = {
                "ready": True,
                "build": options.build,
                "chat": staging.chat_url,
                "auth": staging.auth_url,
                "model": staging.model_url,
                "edge": options.edge,
                **_kept_in(services),
                "chat_log": str(staging.chat_log),
                "signing_key": str(staging.signing_key),
            }
            # From now on that is how it is ended; before, it is one that was interrupted.
            for name in (signal.SIGINT, signal.SIGTERM):
                signal.signal(name, lambda *_: stopped.set())
            print(json.dumps(ready), flush=True)
            stopped.wait()
    except StagingError as error:
        raise DeadheatError(str(error)) from error
    return 0


def run_cycle(options: argparse.Namespace) -> int:
    """Have the edge take its instances away, and print what there is then."""
    import http.client

    from capture.errors import DeadheatError

    # Not httpx, which is slow to import: this command is one to time events by.
    connection = http.client.HTTPConnection("127.0.0.1", options.port, timeout=10)
    try:
        connection.request("POST", "/_edge/cycle")
        answer = connection.getresponse()
        text = answer.read().decode()
    except (OSError, http.client.HTTPException) as error:
        raise DeadheatError(
            f"no edge answers on port {options.port} ({error}); start one: deadheat staging up"
        ) from error
    if answer.status != 200:
        raise DeadheatError(f"port {options.port} is no edge, it answered HTTP {answer.status}")
    print(text)
    return 0


def _edge(options: argparse.Namespace) -> EdgeSettings | None:
    from capture.errors import DeadheatError
    from local_staging.edge_settings import EdgeSettings

    if options.edge == "none":
        if options.limit:
            raise DeadheatError("--limit is one of the edge's, and there is none (--edge none)")
        return None
    limits = {"min_instances": "1"}
    for text in options.limit:
        name, separator, value = text.partition("=")
        if not separator:
            raise DeadheatError(f"--limit is {text!r}, expected NAME=VALUE")
        limits[name] = value
    return EdgeSettings(options.edge, limits)


@contextmanager
def _services(directory: Path) -> Iterator[BackingServices]:
    from local_staging.errors import StagingError
    from local_staging.services.backing import POSTGRES_PORT, REDIS_PORT, backing_services

    with ExitStack() as stack:
        try:
            running = stack.enter_context(
                backing_services(directory, redis_port=REDIS_PORT, postgres_port=POSTGRES_PORT)
            )
        except StagingError as error:
            raise StagingError(f"{error}; or --in-memory, which needs neither") from error
        yield running


def _named_address(text: str) -> tuple[str, Address]:
    from deadheat.addresses import address_from

    name, separator, address = text.partition("=")
    if not separator:
        from capture.errors import DeadheatError

        raise DeadheatError(f"--through is {text!r}, expected NAME=HOST:PORT")
    return name, address_from(address, "--through NAME=")


def _kept_in(services: BackingServices | None) -> dict[str, Any]:
    if services is None:
        return {}
    # Addresses, not URLs: those hold a password.
    return {
        name: {"address": "{}:{}".format(*service.address), "from": service.how}
        for name, service in (("redis", services.redis), ("postgres", services.postgres))
    }
