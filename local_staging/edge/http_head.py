"""The head of a request or an answer of HTTP/1.1: as much as a proxy that tunnels has to know."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie

LONGEST_HEAD_BYTES = 65_536
END = b"\r\n\r\n"


class BadHead(Exception):
    """What came is no head of HTTP/1.1."""


@dataclass(frozen=True, slots=True)
class Head:
    """The first line, and the fields in their order."""

    start_line: str
    fields: tuple[tuple[str, str], ...]

    @classmethod
    def parsed(cls, head: bytes) -> Head:
        """Read a head, with the empty line at its end. Raises BadHead."""
        start_line, *lines = head.removesuffix(END).decode("latin-1").split("\r\n")
        if "HTTP/1." not in start_line:
            raise BadHead("expected HTTP/1.1")
        fields = []
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or not name or name != name.strip():
                raise BadHead("expected fields of the form name: value")
            fields.append((name, value.strip()))
        return cls(start_line, tuple(fields))

    @property
    def target(self) -> str:
        """What a request asks for."""
        parts = self.start_line.split(" ")
        if len(parts) != 3:
            raise BadHead("expected a method, a target and a version")
        return parts[1]

    @property
    def method(self) -> str:
        """What a request does."""
        return self.start_line.split(" ")[0]

    @property
    def status(self) -> int:
        """The status of an answer. Raises BadHead."""
        parts = self.start_line.split(" ")
        if len(parts) < 2 or not parts[1].isdecimal():
            raise BadHead("expected a status")
        return int(parts[1])

    @property
    def is_upgrade(self) -> bool:
        """Whether a request wants to become a WebSocket."""
        return self.value("upgrade").lower() == "websocket"

    def value(self, name: str) -> str:
        """Return the value of the first field of that name, or nothing."""
        return next((value for key, value in self.fields if key.lower() == name), "")

    def cookie(self, name: str) -> str | None:
        """Return a cookie of a request."""
        try:
            cookies = SimpleCookie(self.value("cookie"))
        except CookieError:
            return None
        return cookies[name].value if name in cookies else None

    def with_fields(self, *added: tuple[str, str]) -> Head:
        """Return a head with further fields at its end."""
        return Head(self.start_line, (*self.fields, *added))

    def without(self, name: str) -> Head:
        """Return a head without the fields of a name."""
        kept = tuple((key, value) for key, value in self.fields if key.lower() != name)
        return Head(self.start_line, kept)

    def to_bytes(self) -> bytes:
        """Return the head as it is sent."""
        lines = [self.start_line, *(f"{name}: {value}" for name, value in self.fields)]
        return "\r\n".join(lines).encode("latin-1") + END
