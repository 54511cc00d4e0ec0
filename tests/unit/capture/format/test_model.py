"""The model knows who sends, what a payload is, and which connections there are."""

import msgspec
import pytest

from capture.format.model import (
    App,
    Capture,
    CloseHow,
    Direction,
    Frame,
    Header,
    Note,
    Side,
    TcpClose,
    Vantage,
)

HEADER = Header(
    format="deadheat-capture",
    version=1,
    vantage=Vantage.EDGE,
    started_at="2026-01-02T03:04:05.000000Z",
    recorder="test",
)


def frame(**changes: object) -> Frame:
    fields: dict[str, object] = {
        "at_ns": 5,
        "connection": "c1",
        "direction": Direction.CLIENT_TO_SERVER,
        "opcode": "text",
        "fin": True,
        "masked": True,
        "wire_length": 8,
        "first_byte_at_ns": 4,
    }
    return Frame(**(fields | changes))  # type: ignore[arg-type]


def test_a_direction_has_a_sender() -> None:
    assert Direction.CLIENT_TO_SERVER.sender is Side.CLIENT
    assert Direction.SERVER_TO_CLIENT.sender is Side.SERVER


@pytest.mark.parametrize(
    ("fields", "payload"),
    [({"text": "é"}, "é".encode()), ({"data": b"\xff"}, b"\xff"), ({"text": ""}, b""), ({}, b"")],
)
def test_a_payload_is_bytes_whichever_field_holds_it(
    fields: dict[str, object], payload: bytes
) -> None:
    assert frame(**fields).payload == payload


def test_events_are_frozen() -> None:
    with pytest.raises(AttributeError):
        frame().at_ns = 6  # type: ignore[misc]


def test_fields_that_are_not_set_are_not_written() -> None:
    line = msgspec.json.decode(msgspec.json.encode(Note(at_ns=0, text="hi")))
    assert line == {"event": "note", "at_ns": 0, "text": "hi"}


def test_binary_data_is_written_as_base64() -> None:
    line = msgspec.json.decode(msgspec.json.encode(frame(data=b"\xff\x00")))
    assert line["base64"] == "/wA="
    assert "data" not in line


def test_a_capture_names_its_connections_in_order_of_their_first_event() -> None:
    events = (
        App(at_ns=1, what="started"),
        frame(connection="c2"),
        frame(connection="c1"),
        TcpClose(at_ns=9, connection="c2", side=Side.CLIENT, how=CloseHow.FIN),
    )
    capture = Capture(header=HEADER, events=events)
    assert capture.connection_ids() == ("c2", "c1")
    assert capture.of_connection("c2") == (events[1], events[3])
    assert capture.of_connection("c9") == ()
    assert capture.by_connection() == {
        name: capture.of_connection(name) for name in capture.connection_ids()
    }
    assert list(capture.by_connection()) == list(capture.connection_ids())
