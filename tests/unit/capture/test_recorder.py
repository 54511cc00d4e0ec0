"""Bytes in, events out: handshakes, frames, closes, gaps; nothing lost, no secret let through."""

import itertools
from typing import TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.format.model import (
    CloseHow,
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
from capture.http_head import MAX_HEAD_BYTES
from capture.recorder import MAX_BODY_BYTES, ConnectionRecorder, Recorder, Sent
from capture.redaction import Redactor
from tests.unit.capture.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    DEFLATE_RESPONSE,
    PING,
    PONG,
    REQUEST,
    RESPONSE,
    SIGNATURE,
    TEXT,
    Deflate,
    client,
    frame,
    jwt,
)

UP, DOWN = Direction.CLIENT_TO_SERVER, Direction.SERVER_TO_CLIENT
Kind = TypeVar("Kind", bound=Event)


class Tape:
    """One connection under test, and the events that came out of it."""

    def __init__(self, *, keep_secrets: bool = False) -> None:
        self.events: list[Event] = []
        self.recorder = Recorder(self.events.append, None if keep_secrets else Redactor())
        self.connection: ConnectionRecorder = self.recorder.connection("ws://up.test", 5)
        self.now = 10

    def up(self, data: bytes, sent: Sent | None = None) -> None:
        self.now += 1
        self.connection.received(UP, data, self.now, sent)

    def down(self, data: bytes) -> None:
        self.now += 1
        self.connection.received(DOWN, data, self.now)

    def all(self, kind: type[Kind]) -> list[Kind]:
        return [event for event in self.events if isinstance(event, kind)]

    def only(self, kind: type[Kind]) -> Kind:
        (one,) = self.all(kind)
        return one

    def notes(self) -> list[str]:
        return [note.text for note in self.all(Note)]

    def encoded(self) -> bytes:
        return b"\n".join(msgspec.json.encode(event) for event in self.events)


@pytest.fixture
def tape() -> Tape:
    return Tape()


def opened(response: bytes = RESPONSE, *, keep_secrets: bool = False) -> Tape:
    tape = Tape(keep_secrets=keep_secrets)
    tape.up(REQUEST)
    tape.down(response)
    return tape


def test_connections_are_named_in_order_unless_named(tape: Tape) -> None:
    assert tape.connection.name == "c1"
    assert tape.recorder.connection("ws://up.test", name="mine").name == "mine"
    assert tape.recorder.connection("ws://up.test").name == "c3"


def test_a_handshake_is_a_request_and_a_response(tape: Tape) -> None:
    tape.up(REQUEST, Sent(step=0, planned_at_ns=3))
    tape.down(RESPONSE)
    request, response = tape.only(UpgradeRequest), tape.only(UpgradeResponse)
    assert (request.at_ns, request.url, request.connected_at_ns) == (11, "ws://up.test/ws", 5)
    assert request.headers[0] == ("Host", "example.test")
    assert (request.step, request.planned_at_ns) == (0, 3)
    assert (response.at_ns, response.status, response.reason) == (12, 101, "Switching Protocols")
    assert response.body == ""


def test_a_handshake_may_come_in_pieces(tape: Tape) -> None:
    for at in range(0, len(REQUEST), 20):
        tape.up(REQUEST[at : at + 20])
    assert tape.only(UpgradeRequest).at_ns == tape.now


def test_frames_that_come_with_the_101_in_one_piece_are_recorded(tape: Tape) -> None:
    tape.up(REQUEST)
    tape.down(RESPONSE + frame(TEXT, b"hello"))
    assert [type(event) for event in tape.events] == [UpgradeRequest, UpgradeResponse, Frame]
    assert tape.only(Frame).text == "hello"


@pytest.mark.parametrize("compressed", [True, False])
def test_frames_that_come_before_the_101_wait_for_it(tape: Tape, compressed: bool) -> None:
    early = client(TEXT, Deflate()(b"early"), rsv=4) if compressed else client(TEXT, b"early")
    tape.up(REQUEST + early[:3])
    tape.up(early[3:])
    assert tape.all(Frame) == []
    tape.down(DEFLATE_RESPONSE if compressed else RESPONSE)
    got = tape.only(Frame)
    assert (got.text, got.compressed, got.first_byte_at_ns, got.at_ns) == (
        "early",
        compressed,
        11,
        12,
    )


def test_frames_before_an_answer_that_never_came_are_recorded(tape: Tape) -> None:
    tape.up(REQUEST + client(TEXT, b"hasty"))
    tape.connection.closed(Side.SERVER, CloseHow.RESET, 20)
    assert tape.only(Frame).text == "hasty"
    assert tape.only(TcpClose).how is CloseHow.RESET


def test_finish_writes_what_waited_for_an_answer(tape: Tape) -> None:
    tape.up(REQUEST + client(TEXT, b"hasty"))
    tape.connection.finish()
    assert tape.only(Frame).text == "hasty"


def test_a_refusal_with_a_length_is_recorded_when_its_body_is_whole(tape: Tape) -> None:
    tape.up(REQUEST)
    tape.down(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 7\r\n\r\ngo ")
    assert tape.all(UpgradeResponse) == []
    tape.down(b"away")
    response = tape.only(UpgradeResponse)
    assert (response.at_ns, response.status, response.reason) == (12, 403, "Forbidden")
    assert response.body == "go away"


def test_a_refusal_without_a_length_ends_with_the_connection(tape: Tape) -> None:
    tape.up(REQUEST)
    tape.down(b"HTTP/1.1 403 Forbidden\r\n\r\nno")
    tape.down(b" entry")
    assert tape.all(UpgradeResponse) == []
    tape.connection.closed(Side.SERVER, CloseHow.FIN, 20)
    assert tape.only(UpgradeResponse).body == "no entry"
    assert [type(event) for event in tape.events][-1] is TcpClose


@pytest.mark.parametrize("length", ["99999", "\xb2", "9" * 5000, "x"])
def test_of_a_long_refusal_the_begin_is_kept(tape: Tape, length: str) -> None:
    tape.up(REQUEST)
    tape.down(f"HTTP/1.1 500 Oops\r\nContent-Length: {length}\r\n\r\n".encode("latin-1"))
    tape.down(b"x" * (MAX_BODY_BYTES + 1))
    assert tape.only(UpgradeResponse).body == "x" * MAX_BODY_BYTES


def test_what_comes_after_a_refusal_is_noted_once(tape: Tape) -> None:
    tape.up(REQUEST + client(TEXT, b"early"))
    tape.down(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")
    tape.up(REQUEST)
    tape.down(RESPONSE)
    assert tape.notes() == ["the client sent more after the refusal; that is not recorded"]
    assert tape.all(Frame) == []


def test_a_connection_that_ends_within_the_handshake_is_noted(tape: Tape) -> None:
    tape.up(REQUEST[:30])
    tape.connection.closed(Side.CLIENT, CloseHow.FIN, 20)
    assert tape.notes() == ["the client ended within its handshake: 30 bytes of it came"]


def test_what_is_no_handshake_does_not_fill_the_memory(tape: Tape) -> None:
    for _ in range(30):
        tape.down(b"x" * 10_000)
    tape.connection.closed(Side.SERVER, CloseHow.FIN, 20)
    assert tape.notes() == [
        f"the server ended within its handshake: {MAX_HEAD_BYTES} bytes of it came"
    ]


def test_a_connection_that_ends_within_a_frame_is_noted_once() -> None:
    tape = opened()
    tape.up(client(TEXT, b"never whole")[:9])
    tape.connection.closed(Side.CLIENT, CloseHow.FIN, 20)
    tape.connection.closed(Side.CLIENT, CloseHow.RESET, 21)
    assert tape.notes() == ["the client ended within a frame: 9 bytes of it came"]
    assert [close.how for close in tape.all(TcpClose)] == [CloseHow.FIN, CloseHow.RESET]


def test_a_close_of_a_run_names_its_step() -> None:
    tape = opened()
    tape.connection.closed(Side.CLIENT, CloseHow.FIN, 20, Sent(step=4, planned_at_ns=19))
    close = tape.only(TcpClose)
    assert (close.at_ns, close.side, close.step, close.planned_at_ns) == (20, Side.CLIENT, 4, 19)


def test_a_frame_keeps_what_was_on_the_wire() -> None:
    tape = opened()
    raw = client(TEXT, "Zoë".encode())
    tape.up(raw[:3])
    tape.up(raw[3:], Sent(step=1, planned_at_ns=9))
    got = tape.only(Frame)
    assert (got.text, got.masked, got.fin, got.wire_length) == ("Zoë", True, True, len(raw))
    assert (got.first_byte_at_ns, got.at_ns, got.step, got.planned_at_ns) == (13, 14, 1, 9)
    assert (got.direction, got.opcode, got.invalid) == (UP, "text", "")


@pytest.mark.parametrize("opcode", [BINARY, PING, PONG])
def test_what_is_no_text_is_kept_as_bytes(opcode: int) -> None:
    tape = opened()
    tape.down(frame(opcode, b"as is"))
    assert (tape.only(Frame).data, tape.only(Frame).text) == (b"as is", None)


def test_text_that_is_not_utf_8_is_kept_as_bytes() -> None:
    tape = opened()
    tape.down(frame(TEXT, b"a\xff"))
    assert (tape.only(Frame).data, tape.only(Frame).opcode) == (b"a\xff", "text")


def test_text_that_is_cut_within_a_character_is_kept_as_bytes() -> None:
    tape = opened()
    tape.down(frame(TEXT, b"a\xc3", fin=False) + frame(CONTINUATION, b"\xa9"))
    assert [got.payload for got in tape.all(Frame)] == [b"a\xc3", b"\xa9"]
    assert [got.text for got in tape.all(Frame)] == [None, None]


def test_fragments_of_text_are_text_and_of_binary_bytes() -> None:
    tape = opened()
    tape.down(frame(TEXT, b"a", fin=False) + frame(CONTINUATION, b"b"))
    tape.down(frame(BINARY, b"a", fin=False) + frame(CONTINUATION, b"b"))
    assert [got.text for got in tape.all(Frame)] == ["a", "b", None, None]


@pytest.mark.parametrize(
    ("payload", "code", "reason"),
    [
        (b"\x03\xe8bye", 1000, "bye"),
        (b"\x0f\xa0", 4000, ""),
        (b"", None, ""),
        (b"\x03", None, ""),
        (b"\x03\xe8\xff", None, ""),
        (b"\x00\x05", None, ""),
    ],
)
def test_a_close_frame_says_its_code_and_reason(
    payload: bytes, code: int | None, reason: str
) -> None:
    tape = opened()
    tape.down(frame(CLOSE, payload))
    got = tape.only(Frame)
    assert (got.close_code, got.close_reason, got.payload) == (code, reason, payload)


def test_masking_of_the_wrong_side_is_marked() -> None:
    tape = opened()
    tape.up(frame(TEXT, b"bare"))
    tape.down(client(TEXT, b"masked"))
    assert [(got.invalid, got.payload) for got in tape.all(Frame)] == [
        ("not masked by the client", b"bare"),
        ("masked by the server", b"masked"),
    ]


@pytest.mark.parametrize(
    ("raw", "invalid"),
    [
        (client(TEXT, b"x", rsv=4), "reserved bits must be 0"),
        (client(5, b"x"), "reserved opcode 5"),
        (client(PING, b"x" * 126), "control frame too long"),
        (client(PING, b"x", fin=False), "fragmented control frame"),
        (client(CONTINUATION, b"x"), "a continuation of no message"),
    ],
)
def test_a_frame_that_breaks_a_rule_is_marked_and_kept_as_bytes(raw: bytes, invalid: str) -> None:
    tape = opened()
    tape.up(raw + client(TEXT, b"next"))
    bad, good = tape.all(Frame)
    assert bad.invalid == invalid
    assert bad.data is not None
    assert bad.data.startswith(b"x")
    assert (good.text, good.invalid) == ("next", "")


def test_a_message_within_another_is_marked() -> None:
    tape = opened()
    tape.up(client(TEXT, b"a", fin=False) + client(TEXT, b"b") + client(CONTINUATION, b"c"))
    assert [got.invalid for got in tape.all(Frame)] == [
        "",
        "a new message within another",
        "a continuation of no message",
    ]


def test_control_frames_pass_the_fragments_that_are_held_back() -> None:
    tape = opened()
    tape.up(client(TEXT, b"a", fin=False))
    tape.up(client(PING, b"?"))
    assert [got.opcode for got in tape.all(Frame)] == ["ping"]
    tape.up(client(CONTINUATION, b"b"))
    assert [(got.opcode, got.at_ns) for got in tape.all(Frame)] == [
        ("ping", 14),
        ("text", 13),
        ("continuation", 15),
    ]


@pytest.mark.parametrize("end", ["closed", "finish"])
def test_fragments_of_an_unfinished_message_are_written_in_the_end(end: str) -> None:
    tape = opened()
    tape.up(client(TEXT, b"unfin", fin=False) + client(CONTINUATION, b"ished", fin=False))
    assert tape.all(Frame) == []
    if end == "closed":
        tape.connection.closed(Side.CLIENT, CloseHow.FIN, 20)
    else:
        tape.connection.finish()
    assert [got.text for got in tape.all(Frame)] == ["unfin", "ished"]


def test_compressed_messages_are_inflated_in_both_directions() -> None:
    tape = opened(DEFLATE_RESPONSE)
    up, down = Deflate(), Deflate(context_takeover=False)
    for text in (b"one and the same", b"one and the same"):
        tape.up(client(TEXT, up(text), rsv=4))
        tape.down(frame(TEXT, down(text), rsv=4))
    assert [got.text for got in tape.all(Frame)] == ["one and the same"] * 4
    assert all(got.compressed and got.rsv1 and not got.invalid for got in tape.all(Frame))


def test_a_compressed_message_in_fragments_is_inflated() -> None:
    tape = opened(DEFLATE_RESPONSE)
    raw = Deflate()(b"in two parts, " * 9)
    tape.down(frame(TEXT, raw[:9], fin=False, rsv=4) + frame(CONTINUATION, raw[9:]))
    assert "".join(got.text or "" for got in tape.all(Frame)) == "in two parts, " * 9


def test_what_cannot_be_inflated_is_left_out_as_it_cannot_be_searched() -> None:
    bad = frame(TEXT, b"\xff\xff", rsv=4)
    tape = opened(DEFLATE_RESPONSE)
    tape.down(bad)
    assert tape.only(Frame).payload == b""
    assert tape.only(Frame).invalid.startswith("decompression failed; its payload is left out")
    kept = opened(DEFLATE_RESPONSE, keep_secrets=True)
    kept.down(bad)
    assert (kept.only(Frame).payload, kept.only(Frame).invalid) == (
        b"\xff\xff",
        "decompression failed",
    )


def test_joined_midway_it_begins_with_frames(tape: Tape) -> None:
    tape.connection.joined_midway()
    tape.down(frame(CONTINUATION, b"tail"))
    tape.up(client(TEXT, b"whole"))
    assert [(got.payload, got.invalid) for got in tape.all(Frame)] == [
        (b"tail", ""),
        (b"whole", ""),
    ]


def test_joined_midway_it_can_inflate(tape: Tape) -> None:
    tape.connection.joined_midway(deflate=True)
    tape.down(frame(TEXT, Deflate()(b"packed"), rsv=4))
    assert tape.only(Frame).text == "packed"


def test_a_gap_loses_the_frame_around_it_and_the_rest_goes_on() -> None:
    tape = opened(DEFLATE_RESPONSE)
    tape.down(frame(TEXT, b"first", fin=False) + frame(CONTINUATION, b"lost")[:3])
    tape.connection.gap(DOWN, 20, None, "why")
    tape.down(frame(CONTINUATION, b"rest") + frame(TEXT, Deflate()(b"packed"), rsv=4))
    assert [(got.payload, got.invalid) for got in tape.all(Frame)] == [
        (b"first", ""),
        (b"rest", ""),
        (b"packed", ""),
    ]
    gap = tape.only(Gap)
    assert (gap.at_ns, gap.direction, gap.missing_bytes, gap.reason) == (20, DOWN, None, "why")


def test_notes_name_their_connection(tape: Tape) -> None:
    tape.recorder.note(1, "all")
    tape.connection.note(2, "mine")
    assert [note.connection for note in tape.all(Note)] == [None, "c1"]


@given(st.lists(st.integers(0, 5000), max_size=12), st.binary(max_size=40))
def test_any_cut_of_the_bytes_gives_the_same_frames(cuts: list[int], noise: bytes) -> None:
    data = RESPONSE + frame(TEXT, b"a", fin=False) + frame(PING) + frame(CONTINUATION, noise)
    data += frame(9, noise * 4) + frame(BINARY, noise * 50)
    places = sorted({0, len(data), *(cut % len(data) for cut in cuts)})
    whole, pieces = Tape(), Tape()
    whole.up(REQUEST)
    pieces.up(REQUEST)
    whole.down(data)
    for start, end in itertools.pairwise(places):
        pieces.down(data[start:end])
    assert [(got.opcode, got.payload, got.invalid) for got in pieces.all(Frame)] == [
        (got.opcode, got.payload, got.invalid) for got in whole.all(Frame)
    ]


# Secrets: whatever place they came in, they must not be in what is written.

JWT = jwt()
OPAQUE = "opq31-zyxwvu-9876"


def secret_in(place: str) -> Tape:
    """Record a session with a secret in one place."""
    tape = Tape()
    token = JWT.encode()
    request, response = REQUEST, RESPONSE
    if place == "query":
        request = REQUEST.replace(b"/ws", b"/ws?a=1&access_token=" + token)
    elif place == "folded header":
        request = REQUEST.replace(
            b"\r\n\r\n", b"\r\nAuthorization: Bearer\r\n " + token + b"\r\n\r\n"
        )
    elif place == "header":
        request = REQUEST.replace(b"\r\n\r\n", b"\r\nAuthorization: Bearer " + token + b"\r\n\r\n")
    elif place == "subprotocol":
        request = REQUEST.replace(
            b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: bearer, " + token + b"\r\n\r\n"
        )
        response = RESPONSE.replace(
            b"\r\n\r\n", b"\r\nSec-WebSocket-Protocol: " + token + b"\r\n\r\n"
        )
    elif place == "cookie":
        response = RESPONSE.replace(
            b"\r\n\r\n", b"\r\nSet-Cookie: s=" + token + b"; Path=/\r\n\r\n"
        )
    elif place in ("refusal body", "refusal reason"):
        reason = token if place == "refusal reason" else b"No"
        response = (
            b"HTTP/1.1 403 " + reason + b"\r\nContent-Length: %d\r\n\r\n" % len(token) + token
        )
    tape.up(request)
    tape.down(response)
    messages = {
        "text": frame(TEXT, b'{"a":"' + token + b'"}'),
        "binary": frame(BINARY, b"\x00\xff" + token + b"\x00"),
        "ping": frame(PING, b"p " + jwt_of_125()),
        "close": frame(CLOSE, b"\x03\xe8" + jwt_of_125()),
        "reserved opcode": frame(11, token),
        "bad bits": frame(TEXT, token, rsv=2),
        "fragments": b"".join(
            frame(TEXT if at == 0 else CONTINUATION, token[at : at + 9], fin=at + 9 >= len(token))
            for at in range(0, len(token), 9)
        ),
        "bad fragments": frame(TEXT, token[:90], fin=False, rsv=1)
        + frame(CONTINUATION, token[90:]),
        "unfinished fragments": frame(TEXT, token[:90], fin=False)
        + frame(CONTINUATION, token[90:], fin=False),
        "message within another": frame(TEXT, token[:90], fin=False) + frame(TEXT, token[90:]),
    }
    tape.down(messages.get(place, b""))
    tape.connection.note(90, f"a note with {JWT}" if place == "note" else "a note")
    tape.connection.finish()
    return tape


def jwt_of_125() -> bytes:
    return b"eyJhbGciOiJub25lIn0.eyJzdWIiOjF9." + SIGNATURE.encode()


PLACES = [
    "query header cookie subprotocol text binary ping close fragments note".split(),
    ["folded header", "refusal body", "refusal reason", "reserved opcode", "bad bits"],
    ["bad fragments", "unfinished fragments", "message within another"],
]


@pytest.mark.parametrize("place", [place for places in PLACES for place in places])
def test_no_jwt_is_written_wherever_it_came(place: str) -> None:
    tape = secret_in(place)
    written = tape.encoded()
    assert SIGNATURE.encode() not in written
    assert SIGNATURE.encode()[:10] not in written
    assert b"{{deadheat:jwt:s1}}" in written.replace(b"\\u007b", b"{") or place in BASE64_PLACES
    secrets = [secret for event in tape.events for secret in getattr(event, "secrets", ())]
    assert {secret.kind for secret in secrets} <= {"jwt"}


BASE64_PLACES = ("binary", "ping", "close", "reserved opcode", "bad bits", "bad fragments")


@pytest.mark.parametrize(
    "message",
    [b'{"type":"auth","token":"%s"}', b"AUTH %s", b'{"password":"%s"}', b'["auth","%s"]'],
)
def test_an_opaque_secret_of_the_first_message_is_not_written_nor_its_echo(message: bytes) -> None:
    tape = opened()
    tape.up(client(TEXT, message % OPAQUE.encode()))
    tape.down(frame(TEXT, b"welcome, " + OPAQUE.encode()))
    tape.down(frame(CLOSE, b"\x03\xe8expired " + OPAQUE.encode()))
    assert OPAQUE.encode() not in tape.encoded()
    assert len({secret.id for got in tape.all(Frame) for secret in got.secrets}) == 1
    assert tape.all(Frame)[-1].close_reason.startswith("expired {{deadheat:")


def test_only_the_first_message_of_a_client_is_the_first() -> None:
    tape = opened()
    tape.down(frame(TEXT, b"AUTH required"))
    tape.up(client(PING, b"AUTH abc"))
    tape.up(client(TEXT, b"AUTH abc"))
    tape.up(client(TEXT, b"AUTH abc"))
    assert [got.payload for got in tape.all(Frame)] == [
        b"AUTH required",
        b"AUTH abc",
        b"AUTH {{deadheat:token:s1}}",
        b"AUTH abc",
    ]


def test_a_later_message_of_a_client_may_log_in_too() -> None:
    tape = opened()
    tape.up(client(TEXT, b'{"type":"hello"}'))
    tape.up(client(TEXT, b'{"token":"short1"}'))
    assert tape.all(Frame)[1].text == '{"token":"{{deadheat:token:s1}}"}'


def test_streamed_tokens_of_a_model_come_out_as_they_are() -> None:
    tape = opened()
    for word in ("Hello", ",", " world", "internationalization"):
        tape.down(frame(TEXT, b'{"token": "%s"}' % word.encode()))
    assert next(got.text for got in tape.all(Frame)) == '{"token": "Hello"}'
    assert b"deadheat" not in tape.encoded()


def test_the_person_may_keep_secrets() -> None:
    tape = Tape(keep_secrets=True)
    tape.up(REQUEST.replace(b"/ws", b"/ws?token=" + JWT.encode()))
    tape.down(RESPONSE)
    tape.up(client(TEXT, b"AUTH abc123"))
    assert JWT in tape.only(UpgradeRequest).url
    assert tape.only(Frame).text == "AUTH abc123"


def test_wire_length_is_of_the_wire_and_not_of_the_placeholder() -> None:
    tape = opened()
    raw = frame(TEXT, JWT.encode())
    tape.down(raw)
    assert tape.only(Frame).wire_length == len(raw)
    assert tape.only(Frame).text == "{{deadheat:jwt:s1}}"


def test_what_was_never_bytes_is_recorded_as_bytes_are(tape: Tape) -> None:
    """As the bytes of the same session would be, secrets taken out."""
    by_bytes = opened()
    # What counts in the first message only.
    first = b'["token", "opq-31-abcdefgh"]'
    by_bytes.up(client(TEXT, first), Sent(1, 9))
    token = jwt()
    connection, end = tape.connection, f"no {token}"
    connection.asked("/ws", (("Host", "example.test"),), 11, Sent(0, 3))
    connection.answered(403, "Forbidden", (("X-Why", token),), end.encode() * 1_000, 12)
    connection.said(UP, first, 31, 13, Sent(1, 9))
    request, response, frame = tape.events
    assert isinstance(request, UpgradeRequest)
    assert (request.url, request.step, request.connected_at_ns) == ("ws://up.test/ws", 0, 5)
    assert isinstance(response, UpgradeResponse)
    assert (response.status, response.reason) == (403, "Forbidden")
    assert len(response.body) < MAX_BODY_BYTES + 100
    assert isinstance(frame, Frame)
    (recorded,) = by_bytes.all(Frame)
    assert frame == msgspec.structs.replace(
        recorded,
        at_ns=13,
        first_byte_at_ns=13,
        wire_length=31,
        text=frame.text,
        secrets=frame.secrets,
    )
    assert token.encode() not in tape.encoded()
    assert b"opq-31-abcdefgh" not in tape.encoded()
