"""The server that a recording proxy stands in front of, and the names it goes by."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from capture.errors import CaptureError

DEFAULT_PORTS = {"ws": 80, "wss": 443}


@dataclass(frozen=True, slots=True)
class Upstream:
    """The server that is recorded. Raises CaptureError when `url` is no ws or wss URL."""

    url: str
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        try:
            parts, port = self.parts, self.parts.port
        except ValueError:
            parts, port = SplitResult("", "", "", "", ""), 0
        if parts.scheme not in DEFAULT_PORTS or not parts.hostname or port == 0:
            raise CaptureError(f"upstream is {self.url!r}, expected ws://host:port or wss://…")

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
        """The scheme and authority of recorded URLs."""
        return f"{self.parts.scheme}://{self.authority}"

    @property
    def http_origin(self) -> str:
        """What a page of this server puts into Origin."""
        return f"{'https' if self.parts.scheme == 'wss' else 'http'}://{self.authority}"

    def tls(self) -> ssl.SSLContext | None:
        """Return the TLS context for wss; certificates are always verified. Raises CaptureError."""
        if self.parts.scheme != "wss":
            return None
        try:
            return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)
        except (OSError, ssl.SSLError) as error:
            reason = error.strerror or error
            raise CaptureError(f"cannot use {self.ca_file} as an authority: {reason}") from error
