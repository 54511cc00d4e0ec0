"""A person reads what happened, one line an event, whatever is in it."""

import pytest

from capture.format.model import (
    App,
    Capture,
    CloseHow,
    Direction,
    Event,
    Gap,
    Note,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)
from capture.timeline import describe, summary_line, timeline_line
from tests.unit.capture.format.test_model import HEADER, frame

TO_CLIENT = Direction.SERVER_TO_CLIENT
CASES: list[tuple[Event, str]] = [
    (UpgradeRequest(at_ns=1, connection="c1", url="ws://h/ws", headers=()), "-> open ws://h/ws"),
    (
        UpgradeResponse(at_ns=1, connection="c1", status=403, headers=(), reason="No", body="why"),
        "<- 403 No why",
    ),
    (UpgradeResponse(at_ns=1, connection="c1", status=101, headers=()), "<- 101"),
    (frame(text="hello"), "-> text hello"),
    (frame(text="part", fin=False), "-> text part  [more follows]"),
    (frame(text="tab\there\n"), "-> text tab␀here␀"),
    (frame(text="x" * 101), "-> text " + "x" * 100 + "… (101 characters)"),
    (frame(opcode="binary", data=b"\x01\xff", direction=TO_CLIENT), "<- binary (2 bytes) 01 ff"),
    (frame(opcode="ping", data=b""), "-> ping (0 bytes)"),
    (frame(opcode="close", close_code=1000, close_reason="bye"), "-> close 1000 bye"),
    (frame(opcode="close", data=b""), "-> close without a code"),
    (frame(data=b"\xff", invalid="bad bits"), "-> text (1 bytes) ff  [invalid: bad bits]"),
    (
        TcpClose(at_ns=1, connection="c1", side=Side.SERVER, how=CloseHow.RESET),
        "<- TCP reset by the server",
    ),
    (
        TcpClose(at_ns=1, connection="c1", side=Side.CLIENT, how=CloseHow.FIN),
        "-> TCP fin by the client",
    ),
    (
        Gap(at_ns=1, connection="c1", direction=TO_CLIENT, missing_bytes=7, reason="why"),
        "!! 7 bytes server_to_client lost: why",
    ),
    (
        Gap(at_ns=1, connection="c1", direction=TO_CLIENT, missing_bytes=None, reason="why"),
        "!! unknown many bytes server_to_client lost: why",
    ),
    (App(at_ns=1, what="accepted", fields={"state": "open", "n": 0}), "** accepted state=open n=0"),
    (Note(at_ns=1, text="a remark"), "## a remark"),
]


@pytest.mark.parametrize(("event", "expected"), CASES, ids=lambda each: type(each).__name__)
def test_describes_an_event(event: Event, expected: str) -> None:
    assert describe(event) == expected


def test_a_line_has_the_time_since_the_origin_and_the_connection() -> None:
    assert timeline_line(frame(text="hi", at_ns=3_500_000), 1_000_000) == (
        "       2.500 ms  c1   -> text hi"
    )
    assert timeline_line(Note(at_ns=0, text="hi"), 0) == "       0.000 ms  -    ## hi"


def test_the_summary_counts_connections_frames_and_gaps() -> None:
    events = (
        frame(at_ns=1_000_000_000),
        Gap(at_ns=2_500_000_000, connection="c2", direction=TO_CLIENT, missing_bytes=1, reason="x"),
    )
    assert summary_line(Capture(header=HEADER, events=events)) == (
        "test capture (edge) of 2026-01-02T03:04:05.000000Z: 2 connections, 1 frame, 1.500 s, 1 gap"
    )


def test_an_empty_capture_has_a_summary() -> None:
    assert summary_line(Capture(header=HEADER, events=())).endswith(
        "0 connections, 0 frames, 0.000 s"
    )
