"""The schedule that every contestant sends: numbered messages, each due at an absolute time."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

DIGITS = 9
OPEN_EVERY_NS, ALLOWED_TO_OPEN_NS = 2_000_000, 4_000_000
LEAD_NS = 500_000_000


@dataclass(frozen=True, slots=True)
class Load:
    """`per_s` messages a second for `seconds`, spread over `connections` in turn."""

    per_s: int
    connections: int
    seconds: float

    def __str__(self) -> str:
        plural = "" if self.connections == 1 else "s"
        return f"{self.per_s:,}/s, {self.connections:,} connection{plural}"

    @property
    def sends(self) -> int:
        """As many of every connection."""
        return round(self.per_s * self.seconds) // self.connections * self.connections

    @property
    def lead_ns(self) -> int:
        """Time to connect before the first send."""
        return LEAD_NS + self.connections * ALLOWED_TO_OPEN_NS

    def offset_ns(self, number: int) -> int:
        """When a message is due, after the start."""
        return self.lead_ns + number * 1_000_000_000 // self.per_s

    def of_connection(self, connection: int) -> range:
        """The numbers of the messages of one connection."""
        return range(connection, self.sends, self.connections)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def payload(number: int) -> bytes:
    return b"%09d" % number
