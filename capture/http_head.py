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
    """A start line and the header lines under it, as they were sent."""

    start_line: str
    lines: tuple[str, ...]

    @property
    def headers(self) -> HeaderPairs:
        """The headers: names as they were sent, values without the space around them."""
        pairs: list[tuple[str, str]] = []
        for line in self.lines:
            if line[:1] in (" ", "\t") and pairs:
                # A folded line goes on with the value before it (RFC 9112, section 5.2).
                name, value = pairs.pop()
                pairs.append((name, f"{value} {line.strip()}".strip()))
            else:
                name, _, value = line.partition(":")
                pairs.append((name.strip(), value.strip()))
        return tuple(pairs)

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
        return int(parts[1][:9]) if len(parts) > 1 and parts[1].isdecimal() else 0

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
        line = f"{name}: {value}"
        is_one = [each.partition(":")[0].strip().lower() == name.lower() for each in self.lines]
        lines = [
            line if replace else each for each, replace in zip(self.lines, is_one, strict=True)
        ]
        if add and not any(is_one):
            lines.append(line)
        return Head(self.start_line, tuple(lines))

    def with_target(self, target: str) -> Head:
        """Return a request head for another target."""
        method, _, rest = self.start_line.partition(" ")
        return Head(f"{method} {target} {rest.partition(' ')[2]}", self.lines)

    def encode(self) -> bytes:
        """Return the head as bytes, its blank line included."""
        return "\r\n".join((self.start_line, *self.lines, "", "")).encode("latin-1")


def parse_head(data: bytes) -> Head:
    """Read a head, with or without the blank line that ends it."""
    start_line, *lines = data.removesuffix(END_OF_HEAD).decode("latin-1").split("\r\n")
    return Head(start_line, tuple(lines))


def accepts_deflate(response: Head) -> bool:
    """Whether a 101 settled on permessage-deflate."""
    offers = (response.get("Sec-WebSocket-Extensions") or "").split(",")
    return any(offer.split(";")[0].strip() == "permessage-deflate" for offer in offers)
