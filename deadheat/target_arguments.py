"""The arguments that say where to send a session, and with which secrets."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from replay.auth import TokenSource
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


def tokens_from(options: argparse.Namespace) -> TokenSource:
    """Return where fresh secrets come from. Raises NoToken."""
    from replay.auth import TokenSource, key_from, values_from

    return TokenSource(
        jwt_key=key_from(options.jwt_key) if options.jwt_key is not None else None,
        command=options.token_command,
        values=values_from(options.secret),
    )
