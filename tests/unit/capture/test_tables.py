from capture.format.model import App, Capture, Direction, Gap, Note, Side
from capture.tables import (
    connections_table,
    events_table,
    frames_table,
    kind_of,
    messages_table,
    typed_table,
)
from tests.unit.replay.captures import Connection, capture_of, ns

C1 = Connection("c1")
# A nanosecond that no float can hold.
ODD_NS = 2**53 + 1


def session() -> Capture:
    return capture_of(
        C1.opened(1),
        C1.said(3, {"type": "welcome"}, fin=True),
        C1.sent(5, "hello", step=1, planned_at_ns=ODD_NS),
        C1.said(6, b"\x01\x02"),
        Gap(at_ns=ns(7), connection="c1", direction=Direction.SERVER_TO_CLIENT, missing_bytes=3),
        App(at_ns=ns(8), what="accept called"),
        Note(at_ns=ns(8), text="waited in vain", connection="c1"),
        C1.left(9),
    )


def test_events_have_one_row_each_in_order_with_their_kind() -> None:
    table = events_table(session())
    assert table["kind"].tolist() == [
        *("open", "accepted", "text", "text", "binary", "gap", "app", "note"),
        *("close", "close", "TCP close", "TCP close"),
    ]
    assert table["at_ns"].is_monotonic_increasing


def test_a_time_keeps_every_nanosecond_beside_missing_ones() -> None:
    planned = frames_table(session())["planned_at_ns"]
    assert planned.dtype == "Int64"
    assert planned[1] == ODD_NS
    assert planned.isna()[0]


def test_directions_are_those_of_the_file_and_none_for_what_went_nowhere() -> None:
    table = events_table(session()).set_index("kind")["direction"]
    assert table["open"] == "client_to_server"
    assert table["gap"] == "server_to_client"
    assert table["app"] == table["note"] == ""


def test_a_refused_handshake_has_its_own_kind() -> None:
    assert kind_of(C1.response(2, 500)) == "refused"


def test_frames_have_lengths_and_no_payload() -> None:
    table = frames_table(session())
    assert table["payload_length_bytes"].tolist()[:3] == [19, 5, 2]
    assert not {"text", "base64"} & set(table.columns)


def test_a_fragmented_message_is_one_row() -> None:
    capture = capture_of(
        C1.opened(1),
        C1.said(2, "he", fin=False),
        C1.said(4, "llo", opcode="continuation"),
    )
    (row,) = messages_table(capture).to_dict("records")
    assert (row["text"], row["frames"]) == ("hello", 2)
    assert (row["begun_at_ns"], row["at_ns"]) == (ns(2), ns(4))


def test_a_connection_tells_how_it_came_and_went() -> None:
    (row,) = connections_table(session()).to_dict("records")
    assert row["asked_at_ns"] == ns(1)
    assert row["closed_at_ns"] == ns(11)
    assert (row["status"], row["close_code"], row["ended_by"]) == (101, 1000, "client")
    assert (row["frames_to_server"], row["frames_to_client"], row["gaps"]) == (2, 3, 1)


def test_a_connection_ended_by_the_server_says_so() -> None:
    capture = capture_of(C1.opened(1), C1.dismissed(5, 1011))
    (row,) = connections_table(capture).to_dict("records")
    assert (row["ended_by"], row["close_code"]) == (str(Side.SERVER), 1011)


def test_tables_without_rows_keep_their_types() -> None:
    full, empty = session(), capture_of()
    for make in (events_table, frames_table, messages_table, connections_table):
        assert make(empty).empty
        assert make(empty).dtypes.to_dict() == make(full).dtypes.to_dict()


def test_typed_table_takes_only_the_named_columns() -> None:
    table = typed_table([{"a": 1, "b": 2}], {"a": "int64"})
    assert table.columns.tolist() == ["a"]
