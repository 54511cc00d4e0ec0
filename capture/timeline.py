"""Events as lines of text that a person reads from top to bottom."""

from __future__ import annotations

from collections import Counter

from capture.format.model import (
    App,
    Capture,
    Direction,
    Event,
    Frame,
    Gap,
    Note,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)

MAX_PAYLOAD_CHARACTERS = 100
TO_SERVER, TO_CLIENT = "->", "<-"


def summary_line(capture: Capture) -> str:
    """Return one line on the whole capture."""
    header, events = capture.header, capture.events
    lasted_s = (events[-1].at_ns - events[0].at_ns) / 1e9 if events else 0
    kinds = Counter(type(event) for event in events)
    return (
        f"{header.recorder} capture ({header.vantage}) of {header.started_at}: "
        f"{_counted(len(capture.connection_ids()), 'connection')}, "
        f"{_counted(kinds[Frame], 'frame')}, {lasted_s:.3f} s"
        + (f", {_counted(kinds[Gap], 'gap')}" if kinds[Gap] else "")
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def timeline_line(event: Event, origin_ns: int) -> str:
    """Return one event as a line; its time in milliseconds since `origin_ns`."""
    at_ms = (event.at_ns - origin_ns) / 1e6
    return f"{at_ms:12.3f} ms  {event.connection or '-':4} {describe(event)}"


def describe(event: Event) -> str:
    """Return what happened, without when and where."""
    match event:
        case UpgradeRequest():
            return f"{TO_SERVER} open {event.url}"
        case UpgradeResponse():
            return f"{TO_CLIENT} {event.status} {event.reason or ''}".rstrip() + _short(event.body)
        case Frame():
            return _describe_frame(event)
        case TcpClose():
            arrow = TO_SERVER if event.side == "client" else TO_CLIENT
            return f"{arrow} TCP {event.how} by the {event.side}"
        case Gap():
            size = "unknown many" if event.missing_bytes is None else str(event.missing_bytes)
            return f"!! {size} bytes {event.direction} lost: {event.reason}"
        case App():
            fields = "".join(f" {name}={value}" for name, value in event.fields.items())
            return f"** {event.what}{fields}"
        case Note():
            return f"## {event.text}"


def _describe_frame(frame: Frame) -> str:
    arrow = TO_SERVER if frame.direction is Direction.CLIENT_TO_SERVER else TO_CLIENT
    if frame.opcode == "close":
        code = "without a code" if frame.close_code is None else str(frame.close_code)
        what = f"close {code}" + _short(frame.close_reason)
    elif frame.text is not None:
        what = frame.opcode + _short(frame.text)
    else:
        payload = frame.payload
        what = f"{frame.opcode} ({len(payload)} bytes)" + _short(payload[:48].hex(" "))
    marks = ["more follows"] if not frame.fin else []
    marks += [f"invalid: {frame.invalid}"] if frame.invalid else []
    return f"{arrow} {what}" + (f"  [{', '.join(marks)}]" if marks else "")


def _short(text: str) -> str:
    """Return a text cut to a length that fits a line, led by a space."""
    printable = "".join(char if char.isprintable() else "\N{SYMBOL FOR NULL}" for char in text)
    if len(printable) > MAX_PAYLOAD_CHARACTERS:
        cut = f"… ({len(printable)} characters)"
        return f" {printable[:MAX_PAYLOAD_CHARACTERS]}{cut}"
    return f" {printable}" if printable else ""
