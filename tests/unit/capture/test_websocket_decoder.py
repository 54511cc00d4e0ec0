"""Frames come out as they were sent, however the bytes were cut, and bad ones come out marked."""

import zlib
from collections.abc import Iterable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture import websocket_decoder
from capture.websocket_decoder import DecodedFrame, FrameDecoder
from tests.unit.capture.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    TEXT,
    Deflate,
    client,
    frame,
)

PAYLOADS = st.binary(max_size=300) | st.integers(120, 70_000).map(lambda size: b"x" * size)
FRAMES = st.builds(
    frame,
    st.integers(0, 15),
    PAYLOADS,
    fin=st.booleans(),
    mask=st.none() | st.binary(min_size=4, max_size=4),
    rsv=st.integers(0, 7),
)


def decoded(*pieces: bytes, deflate: bool = False) -> list[DecodedFrame]:
    """Decode pieces that arrive at 1, 2, 3, …"""
    decoder = FrameDecoder(deflate=deflate)
    return [each for at, piece in enumerate(pieces, 1) for each in decoder.feed(piece, at)]


def only(*pieces: bytes, deflate: bool = False) -> DecodedFrame:
    (one,) = decoded(*pieces, deflate=deflate)
    return one


def cut(data: bytes, at: Iterable[int]) -> list[bytes]:
    places = [0, *sorted({place % (len(data) + 1) for place in at}), len(data)]
    return [data[a:b] for a, b in pairwise(places)]


@given(st.lists(FRAMES, max_size=6), st.lists(st.integers(0, 1 << 20), max_size=12))
def test_any_cut_of_the_stream_gives_the_same_frames(frames: list[bytes], at: list[int]) -> None:
    data = b"".join(frames)
    whole = [each._replace(first_byte_at_ns=0, last_byte_at_ns=0) for each in decoded(data)]
    pieces = [
        each._replace(first_byte_at_ns=0, last_byte_at_ns=0) for each in decoded(*cut(data, at))
    ]
    assert pieces == whole
    assert [each.wire_length for each in whole] == [len(each) for each in frames]


@given(st.lists(FRAMES, min_size=1, max_size=5), st.lists(st.integers(0, 1 << 20), max_size=8))
def test_times_are_those_of_the_pieces_with_the_first_and_last_byte(
    frames: list[bytes], at: list[int]
) -> None:
    data = b"".join(frames)
    pieces = cut(data, at)
    arrived_at = [at for at, piece in enumerate(pieces, 1) for _ in piece]
    start = 0
    for raw, got in zip(frames, decoded(*pieces), strict=True):
        assert got.first_byte_at_ns == arrived_at[start]
        assert got.last_byte_at_ns == arrived_at[start + len(raw) - 1]
        start += len(raw)


@pytest.mark.parametrize("size", [0, 125, 126, 65_535, 65_536])
@pytest.mark.parametrize("mask", [None, b"\x01\x02\x03\x04"])
@pytest.mark.parametrize("opcode", [TEXT, CONTINUATION])
def test_reads_every_form_of_length(size: int, mask: bytes | None, opcode: int) -> None:
    payload = bytes(each % 251 for each in range(size))
    got = only(frame(opcode, payload, mask=mask))
    assert (got.payload, got.masked) == (payload, mask is not None)


@pytest.mark.parametrize("rsv", range(1, 8))
def test_keeps_reserved_bits_and_marks_the_frame(rsv: int) -> None:
    got = only(frame(TEXT, b"hi", rsv=rsv))
    assert (got.rsv1, got.rsv2, got.rsv3) == (bool(rsv & 4), bool(rsv & 2), bool(rsv & 1))
    assert (got.payload, got.invalid) == (b"hi", "reserved bits must be 0")


@pytest.mark.parametrize("opcode", [3, 7, 11, 15])
@pytest.mark.parametrize("deflate", [False, True])
def test_keeps_reserved_opcodes_as_they_came(opcode: int, deflate: bool) -> None:
    got = only(frame(opcode, b"\xff\x00", rsv=4), deflate=deflate)
    assert got.opcode == f"reserved_{opcode}"
    assert got.invalid == f"reserved opcode {opcode}"
    assert (got.payload, got.compressed) == (b"\xff\x00", False)


def test_marks_a_control_frame_that_is_too_long() -> None:
    got = only(frame(PING, b"p" * 126))
    assert (got.opcode, got.payload) == ("ping", b"p" * 126)
    assert got.invalid == "control frame too long"


def test_marks_a_fragmented_control_frame() -> None:
    assert only(frame(CLOSE, b"", fin=False)).invalid == "fragmented control frame"


def test_goes_on_after_a_bad_frame() -> None:
    assert [each.invalid for each in decoded(frame(11) + frame(TEXT, b"ok"))] == [
        "reserved opcode 11",
        "",
    ]


@pytest.mark.parametrize("context_takeover", [True, False])
@pytest.mark.parametrize("mask", [None, b"mask"])
def test_inflates_with_and_without_context_takeover(
    context_takeover: bool, mask: bytes | None
) -> None:
    deflate = Deflate(context_takeover=context_takeover)
    texts = [b"the same words again", b"the same words again", b"", b"z" * 5000]
    data = b"".join(frame(TEXT, deflate(text), mask=mask, rsv=4) for text in texts)
    got = decoded(data, deflate=True)
    assert [each.payload for each in got] == texts
    assert all(each.compressed and each.rsv1 and not each.invalid for each in got)


def test_inflates_a_fragmented_message_with_a_ping_within() -> None:
    raw = Deflate()(b"fragmented and compressed " * 10)
    data = frame(TEXT, raw[:7], fin=False, rsv=4) + frame(PING, b"?") + frame(CONTINUATION, raw[7:])
    first, ping, last = decoded(data, deflate=True)
    assert first.payload + last.payload == b"fragmented and compressed " * 10
    assert [each.compressed for each in (first, ping, last)] == [True, False, True]


def test_a_message_that_is_not_compressed_passes_where_deflate_was_settled_on() -> None:
    got = decoded(frame(TEXT, b"plain") + frame(TEXT, Deflate()(b"packed"), rsv=4), deflate=True)
    assert [(each.payload, each.compressed) for each in got] == [
        (b"plain", False),
        (b"packed", True),
    ]


def test_a_sender_that_ends_its_deflate_stream_with_each_message_is_read() -> None:
    def finished(text: bytes) -> bytes:
        compressor = zlib.compressobj(wbits=-15)
        return compressor.compress(text) + compressor.flush(zlib.Z_FINISH) + b"\x00"

    data = frame(TEXT, finished(b"one"), rsv=4) + frame(TEXT, finished(b"two"), rsv=4)
    assert [each.payload for each in decoded(data, deflate=True)] == [b"one", b"two"]


def test_what_cannot_be_inflated_is_marked_and_the_next_message_read() -> None:
    deflate = Deflate(context_takeover=False)
    bad, good = decoded(
        frame(TEXT, b"\xff\xff\xff", rsv=4) + frame(TEXT, deflate(b"ok"), rsv=4), deflate=True
    )
    assert (bad.invalid, bad.uninflated) == ("decompression failed", True)
    assert (good.payload, good.invalid, good.uninflated) == (b"ok", "", False)


def test_a_compressed_frame_that_breaks_another_rule_is_inflated_all_the_same() -> None:
    got = only(frame(TEXT, Deflate()(b"see me"), rsv=4 | 2), deflate=True)
    assert (got.payload, got.invalid) == (b"see me", "reserved bits must be 0")


@given(st.binary(max_size=400), st.lists(st.integers(0, 400), max_size=6), st.booleans())
def test_garbage_is_never_an_error_and_every_byte_is_accounted_for(
    data: bytes, at: list[int], deflate: bool
) -> None:
    decoder = FrameDecoder(deflate=deflate)
    read = sum(
        each.wire_length
        for piece in cut(data, at)
        for each in decoder.feed(piece, 0)
        if not each.invalid.startswith("longer than")
    )
    assert read + decoder.pending_bytes == len(data)


def test_an_unfinished_frame_is_pending() -> None:
    decoder = FrameDecoder()
    assert [*decoder.feed(client(BINARY, b"abcdef")[:7], 1)] == []
    assert decoder.pending_bytes == 7


def test_the_payload_of_a_frame_that_is_too_long_is_passed_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(websocket_decoder, "MAX_FRAME_BYTES", 1000)
    data = frame(BINARY, b"b" * 2000) + frame(TEXT, b"next")
    for pieces in ([data[:3], data[3:1500], data[1500:]], [bytes([each]) for each in data]):
        long, after = decoded(*pieces)
        assert (long.wire_length, long.payload) == (2004, b"")
        assert long.invalid == "longer than the 1000 bytes that are kept"
        assert after.payload == b"next"


def test_what_announces_exabytes_does_not_fill_the_memory() -> None:
    decoder = FrameDecoder()
    (announced,) = decoder.feed(b"\x82\x7f" + b"\xff" * 8, 1)
    assert announced.wire_length == 10 + (1 << 64) - 1
    for _ in range(10):
        assert [*decoder.feed(b"x" * 100_000, 2)] == []
    assert decoder.pending_bytes == 1_000_010
    assert len(decoder._reader.buffer) == 0
