"""A capture as tables: one row an event, a frame, a message or a connection.

Times are int64 nanoseconds since the header's `started_at`, as in the file. A number that may be
missing is a nullable Int64, never a float: a float loses nanoseconds. Empty tables have types too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd
from pandas.api.types import pandas_dtype

from capture.format.model import (
    App,
    Capture,
    Direction,
    Event,
    Frame,
    Gap,
    Note,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)
from capture.messages import messages
from capture.timeline import describe

SWITCHING_PROTOCOLS = 101

_EVENT_TYPES = {
    "at_ns": "int64",
    "connection": "str",
    "direction": "str",
    "kind": "str",
    "length_bytes": "int64",
    "step": "Int64",
    "detail": "str",
}
_FRAME_TYPES = {
    "at_ns": "int64",
    "first_byte_at_ns": "int64",
    "connection": "str",
    "direction": "str",
    "opcode": "str",
    "fin": "bool",
    "compressed": "bool",
    "wire_length_bytes": "int64",
    "payload_length_bytes": "int64",
    "close_code": "Int64",
    "invalid": "str",
    "step": "Int64",
    "planned_at_ns": "Int64",
}
_MESSAGE_TYPES = {
    "at_ns": "int64",
    "begun_at_ns": "int64",
    "connection": "str",
    "direction": "str",
    "index": "int64",
    "frames": "int64",
    "is_text": "bool",
    "length_bytes": "int64",
    "text": "str",
}
_CONNECTION_TYPES = {
    "connection": "str",
    "asked_at_ns": "Int64",
    "answered_at_ns": "Int64",
    "closed_at_ns": "Int64",
    "status": "Int64",
    "close_code": "Int64",
    "ended_by": "str",
    "frames_to_server": "int64",
    "frames_to_client": "int64",
    "gaps": "int64",
}


def events_table(capture: Capture) -> pd.DataFrame:
    """Return one row an event; `kind` says what it is, as the charts name it."""
    rows = ({"at_ns": event.at_ns, **_event_row(event)} for event in capture.events)
    return typed_table(rows, _EVENT_TYPES)


def frames_table(capture: Capture) -> pd.DataFrame:
    """Return one row a frame, without the payloads: a table is easily shared."""
    frames = (event for event in capture.events if isinstance(event, Frame))
    return typed_table(
        (
            {name: getattr(frame, name, None) for name in _FRAME_TYPES}
            | {
                "direction": str(frame.direction),
                "wire_length_bytes": frame.wire_length,
                "payload_length_bytes": len(frame.payload),
            }
            for frame in frames
        ),
        _FRAME_TYPES,
    )


def messages_table(capture: Capture) -> pd.DataFrame:
    """Return one row a whole message; `text` is empty for binary ones."""
    return typed_table(
        (
            {
                "at_ns": message.at_ns,
                "begun_at_ns": message.begun_at_ns,
                "connection": message.connection,
                "direction": str(message.direction),
                "index": message.index,
                "frames": len(message.frames),
                "is_text": message.is_text,
                "length_bytes": len(message.payload),
                "text": message.text if message.is_text else "",
            }
            for message in messages(capture.events)
        ),
        _MESSAGE_TYPES,
    )


def connections_table(capture: Capture) -> pd.DataFrame:
    """Return one row a connection: when it came and went, how, and how much it carried."""
    return typed_table(
        (_connection_row(name, events) for name, events in capture.by_connection().items()),
        _CONNECTION_TYPES,
    )


def typed_table(rows: Iterable[Mapping[str, Any]], types: Mapping[str, str]) -> pd.DataFrame:
    """Return a table with exactly these columns and types, also when there are no rows."""
    listed = list(rows)
    return pd.DataFrame(
        {
            name: pd.Series([row[name] for row in listed], dtype=pandas_dtype(dtype))
            for name, dtype in types.items()
        }
    )


def kind_of(event: Event) -> str:
    """Return what an event is called in tables and charts."""
    match event:
        case UpgradeRequest():
            return "open"
        case UpgradeResponse():
            return "accepted" if event.status == SWITCHING_PROTOCOLS else "refused"
        case Frame():
            return event.opcode
        case TcpClose():
            return "TCP close"
        case _:
            return {Gap: "gap", App: "app", Note: "note"}[type(event)]


def _event_row(event: Event) -> dict[str, Any]:
    return {
        "connection": event.connection if event.connection is not None else "",
        "direction": str(_direction_of(event) or ""),
        "kind": kind_of(event),
        "length_bytes": len(event.payload) if isinstance(event, Frame) else 0,
        "step": getattr(event, "step", None),
        "detail": describe(event),
    }


def _direction_of(event: Event) -> Direction | None:
    """Return which way an event went; what the recorder or the server noted went nowhere."""
    match event:
        case Frame() | Gap():
            return event.direction
        case UpgradeRequest():
            return Direction.CLIENT_TO_SERVER
        case UpgradeResponse():
            return Direction.SERVER_TO_CLIENT
        case TcpClose():
            by_client = event.side is Side.CLIENT
            return Direction.CLIENT_TO_SERVER if by_client else Direction.SERVER_TO_CLIENT
        case _:
            return None


def _connection_row(name: str, events: tuple[Event, ...]) -> dict[str, Any]:
    asked = next((event for event in events if isinstance(event, UpgradeRequest)), None)
    answer = next((event for event in events if isinstance(event, UpgradeResponse)), None)
    frames = [event for event in events if isinstance(event, Frame)]
    codes = (frame.close_code for frame in frames if frame.opcode == "close")
    ends = [event for event in events if isinstance(event, TcpClose)]
    to_server = sum(frame.direction is Direction.CLIENT_TO_SERVER for frame in frames)
    return {
        "connection": name,
        "asked_at_ns": None if asked is None else asked.at_ns,
        "answered_at_ns": None if answer is None else answer.at_ns,
        "closed_at_ns": max((end.at_ns for end in ends), default=None),
        "status": None if answer is None else answer.status,
        "close_code": next((code for code in codes if code is not None), None),
        "ended_by": next((who for event in events if (who := _ender(event))), ""),
        "frames_to_server": to_server,
        "frames_to_client": len(frames) - to_server,
        "gaps": sum(isinstance(event, Gap) for event in events),
    }


def _ender(event: Event) -> str:
    """Return who ends the connection with this event, if anybody does."""
    if isinstance(event, TcpClose):
        return str(event.side)
    if isinstance(event, Frame) and event.opcode == "close":
        return str(event.direction.sender)
    return ""
