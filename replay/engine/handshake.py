"""What of the recorded headers a handshake is sent with."""

from __future__ import annotations

from urllib.parse import urlsplit

from capture.format.model import HeaderPairs
from replay.target import Target

# Made anew for every handshake; the rest of the recorded headers is sent as it was.
_OF_THE_HANDSHAKE = frozenset(
    "host connection upgrade sec-websocket-key sec-websocket-version sec-websocket-extensions "
    "sec-websocket-protocol content-length transfer-encoding".split()
)


def kept_headers(headers: HeaderPairs, recorded_url: str, target: Target) -> HeaderPairs:
    """Return the headers that are sent as they were; an Origin of the server's own is its new one.

    `recorded_url` is what the recorded client asked for.
    """
    return tuple(
        (name, _origin_now(value, recorded_url, target) if name.lower() == "origin" else value)
        for name, value in headers
        if name.lower() not in _OF_THE_HANDSHAKE
    )


def values_of(headers: HeaderPairs, wanted: str) -> list[str]:
    """Return the comma-separated values of a header, whatever the case of its name."""
    wanted = wanted.lower()
    lines = [value for name, value in headers if name.lower() == wanted]
    if not lines:
        return []
    return [item.strip() for line in lines for item in line.split(",") if item.strip()]


def _origin_now(recorded: str, recorded_url: str, target: Target) -> str:
    """Return the Origin to send: the target's own if it was the recorded server's own."""
    same_site = urlsplit(recorded).netloc == urlsplit(recorded_url).netloc
    return target.http_origin if same_site else recorded
