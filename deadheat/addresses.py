"""HOST:PORT as an argument."""

from __future__ import annotations


def address_from(text: str, option: str) -> tuple[str, int]:
    """Return the host and port of an argument. Raises ListenRefused."""
    from capture.errors import ListenRefused

    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit()) or int(port) > 65535:
        raise ListenRefused(f"{option} is {text!r}, expected HOST:PORT with a port up to 65535")
    return host.strip("[]") or "127.0.0.1", int(port)
