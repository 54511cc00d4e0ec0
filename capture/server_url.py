"""A ws or wss URL of a server: where to connect, and the names that the server goes by."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from capture.errors import CaptureError

DEFAULT_PORTS = {"ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A server, and the certificates to trust for it beside those of the system."""

    url: str
    ca_file: Path | None = None

    @property
    def is_valid(self) -> bool:
        """Whether it is a ws or wss URL with a host, and a port that can be connected to."""
        try:
            return bool(
                self.parts.scheme in DEFAULT_PORTS and self.parts.hostname and self.parts.port != 0
            )
        except ValueError:
            return False

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
    def authority(self) -> str:
        """What a client of this server puts into Host."""
        return self.parts.netloc.rpartition("@")[2]

    @property
    def origin(self) -> str:
        """The scheme and authority."""
        return f"{self.parts.scheme}://{self.authority}"

    @property
    def http_origin(self) -> str:
        """What a page of this server puts into Origin."""
        return "http" + self.origin.removeprefix("ws")

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context for wss; certificates are always verified. Raises CaptureError."""
        return verified_tls(self.ca_file) if self.parts.scheme == "wss" else None


def verified_tls(ca_file: Path | None) -> ssl.SSLContext:
    """Return a TLS context that trusts the system's authorities, or one's own.

    Raises CaptureError.
    """
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as error:
        reason = error.strerror or error
        raise CaptureError(f"cannot use {ca_file} as an authority: {reason}") from error
