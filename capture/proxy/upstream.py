"""The server that a recording proxy stands in front of."""

from __future__ import annotations

from dataclasses import dataclass

from capture.errors import CaptureError
from capture.server_url import ServerUrl


@dataclass(frozen=True, slots=True)
class Upstream(ServerUrl):
    """The server that is recorded. Raises CaptureError when `url` is no ws or wss URL."""

    def __post_init__(self) -> None:
        if not self.is_valid:
            raise CaptureError(f"upstream is {self.url!r}, expected ws://host:port or wss://…")
