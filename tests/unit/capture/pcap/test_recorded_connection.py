import zlib

import pytest
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from capture.format.model import CloseHow, Event, Frame, Gap, Note, Side, TcpClose
from capture.pcap.recorded_connection import RecordedConnection
from capture.recorder import Recorder

REQUEST = b"GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
ANSWER = SWITCHING + b"\r\n"
DEFLATE = SWITCHING + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


def text(payload: bytes, *, masked: bool = False) -> bytes:
    return WireFrame(Opcode.TEXT, payload).serialize(mask=masked)


class Session:
    """A connection whose events are kept; a nanosecond passes with each call."""

    def __init__(self, answer: bytes = ANSWER) -> None:
        self.events: list[Event] = []
        record = Recorder(self.events.append, None).connection("ws://h", 0)
        self.connection = RecordedConnection(record)
        self.now_ns = 0
        if answer:
            self.client(REQUEST)
            self.server(answer)

    def client(self, data: bytes) -> None:
        self.now_ns += 1
        self.connection.data(Side.CLIENT, data, self.now_ns)

    def server(self, data: bytes) -> None:
        self.now_ns += 1
        self.connection.data(Side.SERVER, data, self.now_ns)

    def lost(self, missing_bytes: int, side: Side = Side.SERVER) -> None:
        self.now_ns += 1
        self.connection.lost(side, missing_bytes, self.now_ns, "lost")

    @property
    def payloads(self) -> list[bytes]:
        return [event.payload for event in self.events if isinstance(event, Frame)]

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Note)]

    @property
    def gaps(self) -> list[int | None]:
        return [event.missing_bytes for event in self.events if isinstance(event, Gap)]


@pytest.mark.parametrize("side", Side)
def test_a_lost_frame_is_a_gap_and_the_next_one_is_read(side: Side) -> None:
    session, masked = Session(), side is Side.CLIENT
    send = session.client if masked else session.server
    send(text(b"before", masked=masked))
    session.lost(9, side)
    send(text(b"after", masked=masked))
    assert (session.payloads, session.gaps) == ([b"before", b"after"], [9])


def test_the_frame_around_a_gap_is_given_up_and_its_end_is_known() -> None:
    session, long = Session(), text(b"x" * 1_000)
    session.server(long[:300])
    session.lost(200)
    # The rest of the broken frame and the whole next one share a packet.
    session.server(long[500:] + text(b"after"))
    assert session.payloads == [b"after"]
    assert session.notes == []


def test_two_gaps_in_one_frame() -> None:
    session, long = Session(), text(b"x" * 1_000)
    session.server(long[:300])
    session.lost(200)
    session.server(long[500:600])
    session.lost(100)
    session.server(long[700:] + text(b"after"))
    assert (session.payloads, session.gaps) == ([b"after"], [200, 100])


def test_a_gap_past_the_frames_end_has_the_next_frame_searched() -> None:
    session, long = Session(), text(b"x" * 1_000)
    session.server(long[:300])
    session.lost(900)
    session.server(b"the rest of some other frame")
    session.server(text(b"after"))
    assert session.payloads == [b"after"]
    assert session.notes == [
        "28 bytes server_to_client were passed over to find the next frame",
    ]


def test_the_other_direction_goes_on() -> None:
    session, long = Session(), text(b"x" * 1_000, masked=True)
    session.client(long[:300])
    session.lost(900)
    session.client(long[300:])
    assert session.payloads == [b"x" * 1_000]


def test_what_cannot_be_decoded_is_said() -> None:
    session = Session()
    session.lost(9)
    session.server(b"\xff" * 50)
    session.connection.finish()
    assert session.payloads == []
    assert session.notes == [
        "50 bytes server_to_client were not decoded: no frame was found in them",
    ]


def test_a_lost_answer_is_taken_for_a_101() -> None:
    session = Session(answer=b"")
    session.client(REQUEST)
    session.client(text(b"early", masked=True))
    session.lost(len(ANSWER))
    session.server(text(b"hello"))
    session.client(text(b"late", masked=True))
    assert session.payloads == [b"early", b"hello", b"late"]


def compressed(deflate: "zlib._Compress", payload: bytes) -> bytes:
    data = (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
    return bytes((0xC1, len(data))) + data


def test_compressed_messages_are_read_after_a_gap_as_far_as_they_can_be() -> None:
    session, words = Session(DEFLATE), b"some words, some words"
    deflate = zlib.compressobj(wbits=-15)
    session.server(compressed(deflate, words))
    session.lost(len(compressed(deflate, words)))
    session.server(compressed(deflate, words))  # refers back to what was lost
    session.server(compressed(zlib.compressobj(wbits=-15), b"this one stands alone"))
    before, unreadable, after = [event for event in session.events if isinstance(event, Frame)]
    assert (before.payload, after.payload) == (words, b"this one stands alone")
    assert unreadable.invalid
    assert session.notes == ["after lost bytes, compressed messages may not be readable"]


def test_bytes_lost_from_a_refusal_are_not_searched_for_frames() -> None:
    session = Session(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 48\r\n\r\n")
    session.lost(40)
    session.server(b"the rest")
    session.connection.finish()
    assert (session.payloads, session.notes, session.gaps) == ([], [], [40])


def test_a_connection_joined_midway_begins_with_its_first_whole_frames() -> None:
    session = Session(answer=b"")
    session.connection.joined_midway()
    session.server(b"rest of a frame")
    session.server(text(b"hello"))
    session.client(text(b"hi", masked=True))
    assert session.payloads == [b"hello", b"hi"]


def test_a_close_is_not_before_the_bytes_it_follows() -> None:
    session = Session()
    session.server(text(b"hello"))
    session.connection.closed(Side.SERVER, CloseHow.FIN, 1)
    close = session.events[-1]
    assert isinstance(close, TcpClose)
    assert (close.at_ns, close.how) == (session.now_ns, CloseHow.FIN)
