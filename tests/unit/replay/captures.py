"""Captures written by hand: one call an event, times in milliseconds."""

# ruff: noqa: ANN401  values are any JSON, fields those of the model

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from capture.format.model import (
    FORMAT,
    VERSION,
    Capture,
    CloseHow,
    Direction,
    Event,
    Frame,
    Header,
    Secret,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
    Vantage,
)

MS = 1_000_000
HEADER = Header(
    format=FORMAT,
    version=VERSION,
    vantage=Vantage.EDGE,
    started_at="2026-01-01T00:00:00.000000Z",
    recorder="a test",
)


def ns(ms: float) -> int:
    return round(ms * MS)


Events = Event | Sequence["Events"]


def capture_of(*events: Events) -> Capture:
    """Return a capture of events, and of lists of them."""
    ordered = sorted(_flat(events), key=lambda event: event.at_ns)
    return Capture(header=HEADER, events=tuple(ordered))


def _flat(events: Events) -> Iterator[Event]:
    if isinstance(events, list | tuple):
        for each in events:
            yield from _flat(each)
    else:
        yield events


class Connection:
    """Makes the events of one connection."""

    def __init__(self, name: str = "c1") -> None:
        self.name = name

    def request(
        self,
        at_ms: float,
        url: str = "ws://recorded.example/ws",
        headers: tuple[tuple[str, str], ...] = (("Host", "recorded.example"),),
        *,
        connected_ms: float | None = None,
        secrets: tuple[Secret, ...] = (),
    ) -> UpgradeRequest:
        return UpgradeRequest(
            at_ns=ns(at_ms),
            connection=self.name,
            url=url,
            headers=headers,
            connected_at_ns=None if connected_ms is None else ns(connected_ms),
            step=0,
            secrets=secrets,
        )

    def response(self, at_ms: float, status: int = 101, **fields: Any) -> UpgradeResponse:
        fields = {"headers": (), **fields}
        return UpgradeResponse(at_ns=ns(at_ms), connection=self.name, status=status, **fields)

    def opened(self, at_ms: float, answered_ms: float | None = None) -> list[Event]:
        """A handshake that is answered 101, 1 ms later unless told."""
        return [
            self.request(at_ms),
            self.response(at_ms + 1 if answered_ms is None else answered_ms),
        ]

    def sent(self, at_ms: float, payload: Any, step: int | None = None, **fields: Any) -> Frame:
        return self.frame(at_ms, Direction.CLIENT_TO_SERVER, payload, step=step, **fields)

    def said(self, at_ms: float, payload: Any, **fields: Any) -> Frame:
        return self.frame(at_ms, Direction.SERVER_TO_CLIENT, payload, **fields)

    def frame(self, at_ms: float, direction: Direction, payload: Any, **fields: Any) -> Frame:
        """A frame: bytes are binary, a string is text, anything else is JSON."""
        is_binary = isinstance(payload, bytes)
        text = payload if isinstance(payload, str) else None if is_binary else json.dumps(payload)
        settings: dict[str, Any] = {
            "opcode": "binary" if is_binary else "text",
            "fin": True,
            "masked": direction is Direction.CLIENT_TO_SERVER,
            "wire_length": 10,
            "first_byte_at_ns": ns(at_ms),
            "text": text,
            "data": payload if is_binary else None,
        }
        return Frame(
            at_ns=ns(at_ms), connection=self.name, direction=direction, **(settings | fields)
        )

    def close_frame(
        self,
        at_ms: float,
        by: Side,
        code: int | None = 1000,
        reason: str = "",
        step: int | None = None,
    ) -> Frame:
        by_client = by is Side.CLIENT
        return self.frame(
            at_ms,
            Direction.CLIENT_TO_SERVER if by_client else Direction.SERVER_TO_CLIENT,
            b"",
            opcode="close",
            close_code=code,
            close_reason=reason,
            step=step,
        )

    def tcp_close(
        self, at_ms: float, side: Side, how: CloseHow = CloseHow.FIN, step: int | None = None
    ) -> TcpClose:
        return TcpClose(at_ns=ns(at_ms), connection=self.name, side=side, how=how, step=step)

    def left(self, at_ms: float, step: int | None = None, code: int = 1000) -> list[Event]:
        """The client closes in order, and the server answers."""
        return [
            self.close_frame(at_ms, Side.CLIENT, code, step=step),
            self.close_frame(at_ms + 1, Side.SERVER, code),
            self.tcp_close(at_ms + 2, Side.SERVER),
            self.tcp_close(at_ms + 2, Side.CLIENT),
        ]

    def dismissed(self, at_ms: float, code: int = 1000, reason: str = "") -> list[Event]:
        """The server closes."""
        return [
            self.close_frame(at_ms, Side.SERVER, code, reason),
            self.close_frame(at_ms + 1, Side.CLIENT, code),
            self.tcp_close(at_ms + 2, Side.SERVER),
            self.tcp_close(at_ms + 2, Side.CLIENT),
        ]
