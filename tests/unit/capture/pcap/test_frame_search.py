import pytest
from websockets.frames import Frame, Opcode

from capture.pcap import frame_search
from capture.pcap.frame_search import FrameSearch, Rules

SERVER_RULES = Rules(masked=False, compressed=False)
HELLO = b"\x81\x05hello"


def search(*pieces: bytes, rules: Rules = SERVER_RULES, enough: int = 1) -> bytes:
    """The bytes from the frame that was found on."""
    wanted = FrameSearch(rules, enough)
    for at_ns, piece in enumerate(pieces):
        if found := wanted.feed(piece, at_ns):
            return b"".join(piece.data for piece in found)
    return b""


def test_a_packet_that_is_a_frame_is_found_at_once() -> None:
    assert search(HELLO) == HELLO


def test_the_rest_of_a_broken_frame_is_passed_over() -> None:
    wanted = FrameSearch(SERVER_RULES)
    assert wanted.feed(b"the rest of it", 1) == []
    (found,) = wanted.feed(HELLO, 2)
    assert (found.data, found.at_ns, wanted.skipped_bytes) == (HELLO, 2, 14)


def test_a_frame_over_several_packets_keeps_their_times() -> None:
    wanted = FrameSearch(SERVER_RULES)
    long = Frame(Opcode.TEXT, b"x" * 500).serialize(mask=False)
    assert wanted.feed(long[:300], 1) == []
    assert [piece.at_ns for piece in wanted.feed(long[300:], 2)] == [1, 2]


def test_many_frames_need_no_end_at_a_packet() -> None:
    assert search(b"\x8a\x00" * 8 + b"\x81\x7e") == b"\x8a\x00" * 8 + b"\x81\x7e"
    assert search(b"\x8a\x00" * 7 + b"\x81\x7e") == b""


def test_as_many_frames_as_asked_for_must_follow_each_other() -> None:
    assert search(HELLO, HELLO, enough=3) == b""
    assert search(HELLO, HELLO, HELLO, enough=3) == HELLO * 3


def test_fragments_and_a_ping_between_them_are_in_order() -> None:
    assert search(b"\x01\x01a\x89\x00\x80\x01b") == b"\x01\x01a\x89\x00\x80\x01b"


@pytest.mark.parametrize(
    "data",
    [
        b"\x00\x00" * 20,  # zeros would be endless continuations
        b"\x80\x01a",  # the rest of a message whose beginning is lost
        b"\x83\x00",  # reserved opcode
        b"\xc1\x00",  # compressed, though nobody agreed on that
        b"\xa1\x00",  # a reserved bit
        b"\x81\x85mask?????",  # masked by a server
        b"\x09\x00",  # a fragmented ping
        b"\x89\x7e\x00\x7e" + b"x" * 126,  # a long ping
        b"\x82\x7e\x00\x05hello",  # a length in more bytes than it takes
        b"\x82\x7f" + (1 << 40).to_bytes(8, "big"),  # no such frame
        b"\x81\x02\xff\xfe",  # text that is none
        b"\x81\x01a\x80\x01b",  # a continuation of nothing
        b"\x01\x01a\x81\x01b",  # a message within a message
    ],
)
def test_what_breaks_the_rules_is_no_frame(data: bytes) -> None:
    assert search(data, data) == b""


def test_a_client_masks() -> None:
    rules = Rules(masked=True, compressed=True)
    masked = Frame(Opcode.TEXT, "grüß".encode()).serialize(mask=True)
    assert search(HELLO, masked, rules=rules) == masked
    no_text = Frame(Opcode.TEXT, b"\xff\xfe").serialize(mask=True)
    compressed = bytes((no_text[0] | 0x40,)) + no_text[1:]
    assert search(no_text, rules=rules) == b""
    assert search(compressed, rules=rules) == compressed


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(frame_search, "MOST_HELD_BYTES", 100)
    wanted = FrameSearch(SERVER_RULES)
    wanted.feed(b"\x82\x7e\x7f\xff" + b"x" * 200, 1)
    assert (wanted.skipped_bytes, wanted.open_bytes) == (204, 204)
    assert wanted.feed(HELLO, 2) != []
