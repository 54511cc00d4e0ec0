"""The arguments that say where to send a session, and with which secrets."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from deadheat.addresses import address_from

if TYPE_CHECKING:
    from capture.format.model import Capture
    from replay.auth import TokenSource
    from replay.engine.surroundings import Surroundings
    from replay.limits import Limits
    from replay.target import Target


def add_target_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare them."""
    where = parser.add_argument_group("target")
    where.add_argument("--target", metavar="URL", help="ws:// or wss:// server to send to")
    where.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="allow a target that is not this machine (also in deadheat.toml)",
    )
    where.add_argument(
        "--ca-file", type=Path, metavar="PEM", help="trust this authority for a wss target"
    )
    where.add_argument(
        "--max-connections", type=int, metavar="N", help="never hold more connections open at once"
    )
    where.add_argument(
        "--max-rate", type=int, metavar="N", help="never send more often than this in a second"
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


def surroundings_from(options: argparse.Namespace) -> Surroundings:
    """Return what the cues of a plan may change. Raises ReplayError."""
    from replay.engine.surroundings import Surroundings
    from replay.errors import ReplayError
    from replay.target import check_host, configured_hosts

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
        check_host(proxies[name][1][0], (*options.allow_host, *configured_hosts()))
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


def target_from(options: argparse.Namespace) -> Target:
    """Return the target, once it is known to be allowed. Raises ReplayError."""
    from replay.errors import ReplayError
    from replay.target import Target, check_allowed, configured_hosts

    if options.target is None:
        raise ReplayError("there is no target: pass --target ws://host:port")
    target = Target(options.target, options.ca_file)
    allowed: Sequence[str] = (*options.allow_host, *configured_hosts())
    check_allowed(target, allowed)
    return target


def limits_of(options: argparse.Namespace, target: Target) -> Limits:
    """Return how much the target may be asked. Raises ReplayError."""
    from replay.configuration import read_section
    from replay.limits import limits_from
    from replay.target import is_loopback

    return limits_from(
        read_section("replay"),
        is_shared=not is_loopback(target.host),
        connections=options.max_connections,
        sends_per_s=options.max_rate,
    )


def tokens_from(options: argparse.Namespace) -> TokenSource:
    """Return where fresh secrets come from. Raises NoToken."""
    from replay.auth import TokenSource, key_from, values_from

    return TokenSource(
        jwt_key=key_from(options.jwt_key) if options.jwt_key is not None else None,
        command=options.token_command,
        values=values_from(options.secret),
    )
