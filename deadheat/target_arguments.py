"""The arguments that say where to send a session, how much, and with which secrets."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from deadheat.addresses import address_from

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable

    from capture.format.model import Capture
    from replay.auth import TokenSource
    from replay.auth.oauth import OAuthIssuer
    from replay.configuration import Configuration
    from replay.engine.carrier import Carrier
    from replay.engine.surroundings import Surroundings
    from replay.engine.virtual.served_application import ServedApplication
    from replay.limits import Limits
    from replay.log_tail import ServerLog
    from replay.plan import Plan
    from replay.target import Target


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    where = parser.add_argument_group("target")
    where.add_argument("--target", metavar="URL", help="ws:// or wss:// server to send to")
    where.add_argument(
        "--app",
        metavar="MODULE:ATTRIBUTE",
        help="in place of a target: an ASGI application, or a factory of one, that runs in this "
        "process, behind uvicorn's protocols, in a time that jumps",
    )
    where.add_argument(
        "--fidelity",
        choices=("asgi", "uvicorn"),
        help="how --app is spoken to: by uvicorn's protocols (the default), or by the messages of "
        "ASGI alone, which is several times as fast (what needs bytes goes by uvicorn even so)",
    )
    where.add_argument(
        "--server-option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of uvicorn for --app, as in ws_ping_interval=30; may be repeated",
    )
    where.add_argument(
        "--fake",
        action="append",
        default=[],
        metavar="SERVICE=HOST:PORT",
        help="what --app finds at that address, in memory and anew for each run: redis, an ASGI "
        "application as module:attribute, or with tape what the service there answered when it was "
        "asked first; may be repeated",
    )
    where.add_argument(
        "--edge",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a limit of what stands before --app, as in request_timeout_s=300; may be repeated "
        "(see docs/virtual_time.md)",
    )
    where.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="allow a target that is not this machine, or that --app connects to it (also in "
        "deadheat.toml)",
    )
    where.add_argument(
        "--ca-file", type=Path, metavar="PEM", help="trust this authority for a wss target"
    )
    where.add_argument(
        "--max-connections",
        type=_at_least_one,
        metavar="N",
        help="never open more at a time (also in deadheat.toml)",
    )
    where.add_argument(
        "--max-rate",
        type=_at_least_one,
        metavar="N",
        help="never send more often within a second (also in deadheat.toml)",
    )
    where.add_argument(
        "--dry-run", action="store_true", help="say what would be sent and when; send nothing"
    )
    tokens = parser.add_argument_group("tokens")
    tokens.add_argument(
        "--jwt-key",
        metavar="ENV|FILE",
        help="mint each recorded JWT anew with the key in this environment variable or file",
    )
    tokens.add_argument(
        "--token-command", metavar="CMD", help="a command that prints a fresh token"
    )
    tokens.add_argument(
        "--secret",
        action="append",
        default=[],
        metavar="ID=ENV|FILE",
        help="the value for one placeholder of the recording, as in s2=COOKIE",
    )
    tokens.add_argument(
        "--oauth-code",
        action="append",
        default=[],
        metavar="NAME=ENV|FILE",
        help="a code that was issued to the [oauth.NAME] of deadheat.toml elsewhere",
    )


def add_surroundings_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what a plan may change beside the connections."""
    parser.add_argument(
        "--restart-command",
        metavar="CMD",
        help="what restarts the server, for plans with restart_server",
    )
    parser.add_argument(
        "--fault-proxy",
        action="append",
        default=[],
        metavar="NAME=LISTEN=UPSTREAM",
        help="relay a service of the server, for plans with faults: redis=127.0.0.1:6380=HOST:6379",
    )


def surroundings_from(options: argparse.Namespace, configuration: Configuration) -> Surroundings:
    """Return what the cues of a plan may change. Raises ReplayError."""
    from replay.engine.surroundings import Surroundings
    from replay.errors import ReplayError
    from replay.target import check_host

    proxies = {}
    for text in options.fault_proxy:
        parts = text.split("=")
        if len(parts) != 3:
            raise ReplayError(
                f"--fault-proxy is {text!r}, expected NAME=LISTEN=UPSTREAM, "
                "as in redis=127.0.0.1:6380=127.0.0.1:6379"
            )
        name, listen, upstream = parts
        proxies[name] = (
            address_from(listen, "--fault-proxy"),
            address_from(upstream, "--fault-proxy"),
        )
        check_host(proxies[name][1][0], allowed_hosts(options, configuration))
    return Surroundings(options.restart_command, proxies)


def add_compare_argument(parser: argparse.ArgumentParser) -> None:
    """Declare what tells the server's own values from those that are the same in every session."""
    parser.add_argument(
        "--compare",
        action="append",
        default=[],
        type=Path,
        metavar="CAPTURE",
        help="another recording of the session, or a run of it: shows which values vary",
    )


def compared(options: argparse.Namespace) -> list[Capture]:
    """Return the other recordings. Raises CaptureError."""
    from capture.format.reader import read_capture

    return [read_capture(path) for path in options.compare]


@dataclass(frozen=True, slots=True)
class Destination:
    """A target that is allowed, and how much of it may be taken."""

    target: Target
    limits: Limits
    configuration: Configuration
    carrier: Carrier
    log: ServerLog | None
    application: ServedApplication | None = None

    @property
    def new_loop(self) -> Callable[[], AbstractEventLoop] | None:
        """What makes the event loop that its time is on, None for the usual one."""
        from replay.engine.carrier import Sockets
        from replay.engine.virtual.loop import VirtualLoop

        return None if isinstance(self.carrier, Sockets) else VirtualLoop


@dataclass(frozen=True, slots=True)
class DryDestination:
    """Where a dry run would go; `forbidden` says why it may not."""

    target: Target | None
    limits: Limits
    configuration: Configuration
    forbidden: str

    @property
    def shown(self) -> str:
        """The target as it may be written down."""
        return "no target yet" if self.target is None else self.target.shown


def destination_from(options: argparse.Namespace) -> Destination:
    """Return the target, once it is known to be allowed, and its limits. Raises ReplayError."""
    from replay.engine.carrier import Sockets
    from replay.errors import ReplayError
    from replay.log_tail import LogTail
    from replay.target import check_allowed

    dry = dry_destination_from(options)
    if dry.target is None:
        raise ReplayError("there is no target: pass --target ws://host:port, or --app module:app")
    if options.app is not None:
        application = _application_from(options, dry.configuration)
        server = application.server()
        return Destination(
            dry.target, dry.limits, dry.configuration, server, server.log, application
        )
    check_allowed(dry.target, allowed_hosts(options, dry.configuration))
    log = LogTail(options.log) if options.log is not None else None
    return Destination(dry.target, dry.limits, dry.configuration, Sockets(), log)


def _application_from(
    options: argparse.Namespace, configuration: Configuration
) -> ServedApplication:
    """Return what is to be served in this process. Raises ReplayError."""
    from replay.engine.virtual.edge_limits import EdgeLimits
    from replay.engine.virtual.served_application import ServedApplication
    from replay.errors import ReplayError

    if options.log is not None:
        raise ReplayError("--log is for a target: what an --app logs is heard without it")
    for name in ("restart_command", "fault_proxy"):
        if getattr(options, name, None):
            option = name.replace("_", "-")
            raise ReplayError(f"--{option} is for a target: an --app has nothing around it")
    given = {}
    for text in options.server_option:
        name, equals, value = text.partition("=")
        if not (name and equals):
            raise ReplayError(f"--server-option is {text!r}, expected NAME=VALUE")
        given[name] = _option_value(value)
    return ServedApplication(
        options.app,
        given,
        is_direct=options.fidelity == "asgi",
        fakes=tuple(options.fake),
        allowed_hosts=allowed_hosts(options, configuration),
        edge=EdgeLimits.parse(options.edge),
    )


def _option_value(text: str) -> object:
    """Return a number where it is one; as JSON also true, false and null."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def dry_destination_from(options: argparse.Namespace) -> DryDestination:
    """Return the target if there is one, allowed or not, and its limits. Raises ReplayError."""
    from replay.configuration import here
    from replay.errors import HostNotAllowed, ReplayError
    from replay.limits import Limits
    from replay.target import Target, check_allowed, limits_for

    asked = Limits(max_connections=options.max_connections, max_sends_per_s=options.max_rate)
    configuration = here()
    if options.app is not None:
        if options.target is not None:
            raise ReplayError("there are two targets, --target and --app: pass one")
        from replay.engine.virtual.uvicorn_server import app_target

        return DryDestination(app_target(options.app), asked, configuration, "")
    for name in ("server_option", "fidelity", "fake", "edge"):
        if getattr(options, name):
            option = name.replace("_", "-")
            raise ReplayError(f"--{option} is for --app, and there is none")
    if options.target is None:
        return DryDestination(None, asked.or_else(configuration.replay), configuration, "")
    target = Target(options.target, options.ca_file)
    limits = limits_for(target, asked, configuration)
    try:
        check_allowed(target, allowed_hosts(options, configuration))
    except HostNotAllowed as error:
        return DryDestination(target, limits, configuration, str(error))
    return DryDestination(target, limits, configuration, "")


def tokens_from(options: argparse.Namespace, configuration: Configuration) -> TokenSource:
    """Return where fresh secrets come from. Raises NoToken."""
    from replay.auth import TokenSource, key_from, values_from

    return TokenSource(
        jwt_key=key_from(options.jwt_key) if options.jwt_key is not None else None,
        command=options.token_command,
        values=values_from(options.secret),
        issuers=_issuers(options, configuration),
    )


def named_tokens_from(options: argparse.Namespace, configuration: Configuration) -> TokenSource:
    """Return what would supply which secret, and read none: for a dry run. Raises NoToken."""
    from replay.auth import TokenSource, assigned

    return TokenSource(
        jwt_key=None if options.jwt_key is None else "",
        command=None if options.token_command is None else "",
        values=assigned(options.secret, "--secret", "s1=MY_COOKIE"),
        issuers=_issuers(options, configuration),
    )


def sign_in(tokens: TokenSource, plan: Plan) -> None:
    """Get the tokens that a plan needs while a person can still be asked. Raises NoToken."""
    from capture.clock import unix_time_s

    issued = plan.correlation.issued()
    needed = [secret for secret in plan.secrets.values() if secret.id not in issued]
    tokens.sign_in(needed, unix_time_s())


def _issuers(options: argparse.Namespace, configuration: Configuration) -> tuple[OAuthIssuer, ...]:
    """Return the OAuth 2 clients of the configuration; none of them asks for anything yet."""
    if not configuration.oauth:
        return ()
    from replay.auth import assigned
    from replay.auth.issuers import Surrounding, issuers_from

    def ask_person(name: str, url: str) -> None:
        print(f"deadheat: {name}: sign in at {url}", file=sys.stderr, flush=True)

    return issuers_from(
        configuration,
        Surrounding(
            allowed_hosts=allowed_hosts(options, configuration),
            codes=assigned(options.oauth_code, "--oauth-code", "staging=MY_CODE"),
            ca_file=options.ca_file,
            ask_person=ask_person,
        ),
    )


def allowed_hosts(options: argparse.Namespace, configuration: Configuration) -> tuple[str, ...]:
    """Return the hosts beside this machine that may be sent to."""
    return (*options.allow_host, *configuration.replay.allowed_hosts)


def _at_least_one(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number of 1 or more")
    return int(text)
