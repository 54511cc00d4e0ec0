"""The head of an HTTP/1.1 request or response: found, read, and edited without touching the rest.

Tolerant on purpose: a recorder shows what was sent, also where a strict parser would refuse it.
"""

from __future__ import annotations

from dataclasses import dataclass

from capture.format.model import HeaderPairs

MAX_HEAD_BYTES = 65_536
END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Head:
    """A start line and the headers under it, as they were sent."""

    start_line: str
    headers: HeaderPairs

    def get(self, name: str) -> str | None:
        """Return the value of a header, several of one name joined by commas."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @property
    def target(self) -> str:
        """The request target, for example /ws?room=1."""
        parts = self.start_line.split(" ")
        return parts[1] if len(parts) > 1 else ""

    @property
    def status(self) -> int:
        """The status of a response; 0 where the line has none."""
        parts = self.start_line.split(" ", 2)
        return int(parts[1]) if len(parts) > 1 and parts[1].isdigit() else 0

    @property
    def reason(self) -> str:
        """The reason phrase of a response."""
        parts = self.start_line.split(" ", 2)
        return parts[2] if len(parts) > 2 else ""

    @property
    def asks_for_websocket(self) -> bool:
        """Whether a request is the opening handshake of a WebSocket."""
        return "websocket" in (self.get("Upgrade") or "").lower()

    def replacing(self, name: str, value: str, *, add: bool = False) -> Head:
        """Return the head with the value of every `name` header replaced, or added if asked."""
        headers = tuple(
            (key, value if key.lower() == name.lower() else old) for key, old in self.headers
        )
        if add and self.get(name) is None:
            headers = (*headers, (name, value))
        return Head(self.start_line, headers)

    def with_target(self, target: str) -> Head:
        """Return a request head for another target."""
        method, _, version = self.start_line.split(" ", 2)
        return Head(f"{method} {target} {version}", self.headers)

    def encode(self) -> bytes:
        """Return the head as bytes, its blank line included."""
        lines = [self.start_line, *(f"{name}: {value}" for name, value in self.headers), "", ""]
        return "\r\n".join(lines).encode("latin-1")


def parse_head(data: bytes) -> Head:
    """Read a head that ends with its blank line."""
    start_line, *lines = data.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    return Head(start_line, tuple((name.strip(), value.strip()) for name, _, value in pairs))


def accepts_deflate(response: Head) -> bool:
    """Whether a 101 settled on permessage-deflate."""
    offers = (response.get("Sec-WebSocket-Extensions") or "").split(",")
    return any(offer.split(";")[0].strip() == "permessage-deflate" for offer in offers)
