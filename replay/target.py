"""Where a replay goes, and whether it may."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit, urlunsplit

from capture.redaction import Redactor
from replay.configuration import CONFIG_FILE, read_section
from replay.errors import HostNotAllowed, ReplayError

DEFAULT_PORTS = {"ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """A server to replay against. Raises ReplayError when `url` is no ws or wss URL."""

    url: str
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        try:
            parts = self.parts
            valid = parts.scheme in DEFAULT_PORTS and parts.hostname and parts.port != 0
        except ValueError:
            valid = False
        if not valid:
            raise ReplayError(f"target is {self.url!r}, expected ws://host:port or wss://host")

    @property
    def parts(self) -> SplitResult:
        """The URL, split."""
        return urlsplit(self.url)

    @property
    def host(self) -> str:
        """The host to connect to."""
        return self.parts.hostname or ""

    @property
    def port(self) -> int:
        """The port to connect to."""
        port = self.parts.port
        return DEFAULT_PORTS[self.parts.scheme] if port is None else port

    @property
    def origin(self) -> str:
        """The scheme, host and port."""
        return f"{self.parts.scheme}://{self._netloc}"

    @property
    def shown(self) -> str:
        """The URL as it may be written down: without who asks, and without tokens."""
        return Redactor().url(self.url.replace(self.parts.netloc, self._netloc, 1))[0]

    @property
    def http_origin(self) -> str:
        """What a page of this server puts into Origin."""
        return "http" + self.origin.removeprefix("ws")

    def address(self, recorded_url: str) -> str:
        """Return where a recorded connection goes now.

        The recorded path and query stay, unless the target has a path or query of its own.
        """
        own, recorded = self.parts, urlsplit(recorded_url)
        path = recorded.path if own.path in ("", "/") else own.path
        query = own.query or recorded.query
        return urlunsplit((own.scheme, self._netloc, path or "/", query, ""))

    @property
    def _netloc(self) -> str:
        return self.parts.netloc.rpartition("@")[2]

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context for wss; certificates are always verified."""
        if self.parts.scheme != "wss":
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            raise ReplayError(f"cannot use the certificates in {self.ca_file}: {error}") from None


def check_allowed(target: Target, allowed_hosts: Sequence[str]) -> None:
    """Raise HostNotAllowed unless the target is loopback or was named."""
    check_host(target.host, allowed_hosts)


def check_host(host: str, allowed_hosts: Sequence[str]) -> None:
    """Raise HostNotAllowed unless a host is loopback or was named."""
    if is_loopback(host) or host in (allowed.lower() for allowed in allowed_hosts):
        return
    raise HostNotAllowed(
        f"{host} is not this machine, and a replay changes what it talks to: allow it with "
        f"--allow-host {host}, or under [replay] allowed_hosts in {CONFIG_FILE}"
    )


def configured_hosts(path: Path = CONFIG_FILE) -> tuple[str, ...]:
    """Return the allowed hosts of the configuration file, if there is one. Raises ReplayError."""
    hosts = read_section("replay", path).get("allowed_hosts", [])
    if not isinstance(hosts, list) or not all(isinstance(host, str) for host in hosts):
        raise ReplayError(f"{path}: [replay] allowed_hosts is {hosts!r}, expected a list of names")
    return tuple(hosts)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
