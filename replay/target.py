"""Where a replay goes, and whether it may."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from capture.redaction import Redactor
from capture.server_url import ServerUrl
from replay.configuration import CONFIG_FILE, Configuration, here, read_configuration
from replay.errors import HostNotAllowed, ReplayError
from replay.limits import CAREFUL, UNLIMITED, Limits

TOKEN_URL_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target(ServerUrl):
    """A server to replay against. Raises ReplayError when `url` is no ws or wss URL.

    Nor may there be a name and password in it: they would be in the list of processes.
    """

    def __post_init__(self) -> None:
        if not self.is_valid:
            shown = Redactor().url(self.url)[0]
            raise ReplayError(f"target is {shown!r}, expected ws://host:port or wss://host")
        if "@" in self.parts.netloc:
            raise ReplayError(
                f"the target has a name or password before {self.authority}, expected none: the "
                "recorded Authorization header is sent, with what --secret puts there"
            )

    @property
    def shown(self) -> str:
        """The URL as it may be written down: without who asks, and without tokens."""
        return Redactor().url(self.url.replace(self.parts.netloc, self.authority, 1))[0]

    def address(self, recorded_url: str) -> str:
        """Return where a recorded connection goes now.

        The recorded path and query stay, unless the target has a path or query of its own.
        """
        own, recorded = self.parts, urlsplit(recorded_url)
        path = recorded.path if own.path in ("", "/") else own.path
        query = own.query or recorded.query
        return urlunsplit((own.scheme, self.authority, path or "/", query, ""))


def check_allowed(target: Target, allowed_hosts: Sequence[str]) -> None:
    """Raise HostNotAllowed unless the target is loopback or was named."""
    check_host(target.host, allowed_hosts)


def check_host(host: str, allowed_hosts: Sequence[str], what: str = "") -> None:
    """Raise HostNotAllowed unless a host is loopback or was named; `what` leads to it."""
    if is_loopback(host) or _plain(host) in map(_plain, allowed_hosts):
        return
    why = (
        f"{what} leads to {host}, which is not this machine"
        if what
        else f"{host} is not this machine, and a replay changes what it talks to"
    )
    raise HostNotAllowed(
        f"{why}: allow it with --allow-host {host}, or under [replay] allowed_hosts in "
        f"{CONFIG_FILE}"
    )


def configured_hosts(path: Path | None = None) -> tuple[str, ...]:
    """Return the allowed hosts of a configuration file, if there is one. Raises ReplayError.

    Without a path the file for the working directory counts.
    """
    if path is None:
        return here().replay.allowed_hosts
    return read_configuration(path if path.is_file() else None).replay.allowed_hosts


def check_endpoint(url: str, allowed_hosts: Sequence[str], what: str) -> None:
    """Raise unless a URL that secrets are sent to is allowed, and safe from being read on the way.

    Raises ReplayError, HostNotAllowed.
    """
    try:
        parts = urlsplit(url)
        valid = parts.scheme in TOKEN_URL_PORTS and parts.hostname and parts.port != 0
    except ValueError:
        valid = False
    if not valid or "@" in parts.netloc:
        # Not repeated: there may be a password in it.
        raise ReplayError(f"{what} is no https URL, expected https://host/path without a password")
    host = parts.hostname or ""
    if parts.scheme != "https" and not is_loopback(host):
        raise ReplayError(f"{what} is http, and {host} is not this machine: expected https")
    check_host(host, allowed_hosts, what)


def limits_for(target: Target, asked: Limits, configuration: Configuration) -> Limits:
    """Return the limits of a target: what was asked for, then the configuration, then careful ones.

    A server of this machine has none of its own.
    """
    default = UNLIMITED if is_loopback(target.host) else CAREFUL
    return asked.or_else(configuration.limits_of(target.host)).or_else(default)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, by its name or address alone: nothing is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _plain(host: str) -> str:
    """Return a host as it is compared: an address in its short form, a name in lower case."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host.lower().rstrip(".")
