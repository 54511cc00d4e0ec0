from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from capture.format.model import CloseHow, Event, Frame, Gap, Note, TcpClose, UpgradeRequest
from capture.pcap.follow import Chunk, Section
from capture.pcap.opening import Moment
from capture.pcap.stream_import import StreamImport
from capture.pcap.tcp_streams import Address, Close, Packets, Sender, TcpStream
from capture.recorder import Recorder

CLIENT, SERVER = ("10.0.0.1", 5000), ("10.0.0.2", 8080)
REQUEST = b"GET /ws HTTP/1.1\r\nHost: chat.test\r\nUpgrade: websocket\r\n\r\n"
ANSWER = b"HTTP/1.1 101 Switching Protocols\r\n\r\n"
OPEN: tuple[Moment, ...] = (Chunk(5, CLIENT, REQUEST), Chunk(6, SERVER, ANSWER))
HELLO = b"\x81\x05hello"


def fin(address: Address, at_ns: int) -> Close:
    return Close(at_ns, address, CloseHow.FIN)


def reset(address: Address, at_ns: int) -> Close:
    return Close(at_ns, address, CloseHow.RESET)


def imported(*moments: Moment, server_bytes: int = 0, opened: bool = True) -> list[Event]:
    """The events of a stream whose server was seen to send so much after its answer."""
    senders = {CLIENT: Sender(1, 1), SERVER: Sender(1, 1 + len(ANSWER) + server_bytes)}
    stream = TcpStream(3, senders=senders, opened=opened, connected_at_ns=2)
    section = Section(stream, (CLIENT, SERVER), Packets(), b"", 0, 0)
    events: list[Event] = []
    taken = StreamImport(section, Recorder(events.append, None))
    for moment in moments:
        taken.take(moment)
    taken.finish()
    return events


def kinds(events: list[Event]) -> list[type[Event]]:
    return [type(event) for event in events]


def test_the_connection_keeps_its_url_and_when_tcp_was_established() -> None:
    note, request = imported(*OPEN)[:2]
    assert isinstance(note, Note)
    assert note.text == "TCP stream 3, 10.0.0.1:5000 to 10.0.0.2:8080"
    assert isinstance(request, UpgradeRequest)
    assert (request.url, request.connected_at_ns) == ("ws://chat.test/ws", 2)


def test_another_protocol_leaves_nothing() -> None:
    assert imported(Chunk(1, CLIENT, b"GET / HTTP/1.1\r\n\r\n"), Chunk(2, SERVER, b"hi")) == []


def test_a_side_is_closed_once() -> None:
    events = imported(*OPEN, fin(SERVER, 8), fin(SERVER, 9), fin(CLIENT, 10))
    closes = [event for event in events if isinstance(event, TcpClose)]
    assert [(close.side, close.how, close.at_ns) for close in closes] == [
        ("server", "fin", 8),
        ("client", "fin", 10),
    ]


def test_a_reset_after_a_fin_is_a_note() -> None:
    close, note = imported(*OPEN, fin(SERVER, 8), reset(SERVER, 9), reset(SERVER, 10))[-2:]
    assert isinstance(close, TcpClose)
    assert isinstance(note, Note)
    assert note.text == "the server reset the connection after its FIN"


def test_a_fin_that_overtook_data_waits_for_it() -> None:
    events = imported(*OPEN, fin(SERVER, 8), Chunk(9, SERVER, HELLO), server_bytes=len(HELLO))
    assert kinds(events)[-2:] == [Frame, TcpClose]
    assert events[-1].at_ns == 9


def test_bytes_that_follow_dropped_at_the_end_are_a_gap() -> None:
    events = imported(*OPEN, Chunk(7, SERVER, HELLO), fin(SERVER, 8), server_bytes=100)
    assert kinds(events)[-3:] == [Frame, Gap, TcpClose]
    gap = events[-2]
    assert isinstance(gap, Gap)
    assert (gap.missing_bytes, gap.direction) == (93, "server_to_client")


def test_frames_from_the_middle_are_recorded_with_a_note() -> None:
    masked = WireFrame(Opcode.TEXT, b"hi").serialize(mask=True)
    sent = [Chunk(at_ns, CLIENT, masked) for at_ns in range(3)]
    events = imported(Chunk(0, SERVER, HELLO), *sent, opened=False)
    assert [event.payload for event in events if isinstance(event, Frame)] == [
        b"hello",
        *[b"hi"] * 3,
    ]
    assert isinstance(events[0], Note)
    assert "its handshake is not in the file" in events[0].text


def test_too_few_frames_from_the_middle_are_only_remarked() -> None:
    (note,) = imported(Chunk(1, SERVER, HELLO), opened=False)
    assert isinstance(note, Note)
    assert "may be WebSocket" in note.text
