"""What a capture holds: one header and a series of events, frozen, times in integer nanoseconds.

The field names are the names on disk (SPEC.md). `at_ns` counts from the header's `started_at`.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

FORMAT = "deadheat-capture"
VERSION = 1


class Vantage(StrEnum):
    """Where a capture was recorded."""

    WIRE = "wire"
    EDGE = "edge"
    APP = "app"
    CLIENT = "client"


class Side(StrEnum):
    """One end of a connection."""

    CLIENT = "client"
    SERVER = "server"


class Direction(StrEnum):
    """Which way a frame went."""

    CLIENT_TO_SERVER = "client_to_server"
    SERVER_TO_CLIENT = "server_to_client"

    @property
    def sender(self) -> Side:
        """The side that sends in this direction."""
        return Side.CLIENT if self is Direction.CLIENT_TO_SERVER else Side.SERVER


class CloseHow(StrEnum):
    """How a side ended its half of the TCP connection."""

    FIN = "fin"
    RESET = "reset"
    TIMEOUT = "timeout"


HeaderPairs = tuple[tuple[str, str], ...]
"""HTTP headers as they were sent: order and repetition kept."""


class Secret(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What stood where the record has a placeholder; never the secret itself.

    `kind` is jwt, token, password or cookie; `encoding` is base64url where the secret was wrapped.
    """

    id: str
    kind: str
    where: str = ""
    encoding: str = ""
    algorithm: str = ""
    header: dict[str, Any] = {}
    claims: dict[str, Any] = {}
    lifetime_s: int | None = None


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event"):
    """Base of every line of the file; the class tag is its `event` field."""


class Header(_Line, frozen=True, tag="capture"):
    """The first line."""

    format: str
    version: int
    vantage: Vantage
    started_at: str
    recorder: str
    secrets_kept: bool = False
    about: dict[str, str] = {}


class UpgradeRequest(_Line, frozen=True, tag="upgrade_request"):
    """The client's handshake; `url` is what the server was asked for.

    `connected_at_ns` is when TCP was established. `step` and `planned_at_ns` stand in runs only.
    """

    at_ns: int
    connection: str
    url: str
    headers: HeaderPairs
    connected_at_ns: int | None = None
    step: int | None = None
    planned_at_ns: int | None = None
    secrets: tuple[Secret, ...] = ()


class UpgradeResponse(_Line, frozen=True, tag="upgrade_response"):
    """The server's answer to the handshake; `body` only when it refused."""

    at_ns: int
    connection: str
    status: int
    headers: HeaderPairs
    reason: str = ""
    body: str = ""
    secrets: tuple[Secret, ...] = ()


class Frame(_Line, frozen=True, tag="frame"):
    """One frame. `at_ns` is the arrival of its last byte (in a run: of its sending, for a send).

    The payload is unmasked and inflated: `text` where it is UTF-8 of a text message, else `base64`.
    `invalid` says which rule of RFC 6455 the frame breaks, or why its payload is not here.
    """

    at_ns: int
    connection: str
    direction: Direction
    opcode: str
    fin: bool
    masked: bool
    wire_length: int
    first_byte_at_ns: int
    rsv1: bool = False
    rsv2: bool = False
    rsv3: bool = False
    compressed: bool = False
    text: str | None = None
    data: bytes | None = msgspec.field(default=None, name="base64")
    close_code: int | None = None
    close_reason: str = ""
    invalid: str = ""
    step: int | None = None
    planned_at_ns: int | None = None
    secrets: tuple[Secret, ...] = ()

    @property
    def payload(self) -> bytes:
        """The payload as bytes, whichever field holds it."""
        if self.text is not None:
            return self.text.encode()
        return self.data if self.data is not None else b""


class TcpClose(_Line, frozen=True, tag="tcp_close"):
    """One side ended its half of the connection."""

    at_ns: int
    connection: str
    side: Side
    how: CloseHow
    step: int | None = None
    planned_at_ns: int | None = None


class Gap(_Line, frozen=True, tag="gap"):
    """Bytes that the recorder did not get; frames may be missing here."""

    at_ns: int
    connection: str
    direction: Direction
    missing_bytes: int | None
    reason: str = ""


class App(_Line, frozen=True, tag="app"):
    """Something the server did: accept called, state changed, task sent."""

    at_ns: int
    what: str
    connection: str | None = None
    fields: Mapping[str, Any] = {}


class Note(_Line, frozen=True, tag="note"):
    """A remark by the recorder."""

    at_ns: int
    text: str
    connection: str | None = None


class End(_Line, frozen=True, tag="end"):
    """The last line: the recorder ended well, after `events` events."""

    at_ns: int
    events: int


Event = UpgradeRequest | UpgradeResponse | Frame | TcpClose | Gap | App | Note
Line = Header | Event | End


class Capture(msgspec.Struct, frozen=True, kw_only=True):
    """A whole capture in memory, its events in order of time.

    `problem` says what is wrong with the end of the file, for example that its recorder was killed.
    """

    header: Header
    events: tuple[Event, ...]
    problem: str = ""

    def connection_ids(self) -> tuple[str, ...]:
        """Return the connections in order of their first event."""
        named = (event.connection for event in self.events if event.connection is not None)
        return tuple(dict.fromkeys(named))

    def by_connection(self) -> dict[str, tuple[Event, ...]]:
        """Return the events of each connection, in order of their first event."""
        events: dict[str, list[Event]] = {}
        for event in self.events:
            if event.connection is not None:
                events.setdefault(event.connection, []).append(event)
        return {connection: tuple(own) for connection, own in events.items()}

    def of_connection(self, connection: str) -> tuple[Event, ...]:
        """Return the events of one connection."""
        return tuple(event for event in self.events if event.connection == connection)
