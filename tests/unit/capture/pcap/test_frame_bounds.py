import pytest
from websockets.frames import Frame, Opcode

from capture.pcap.frame_bounds import FrameTracker, frame_head


def frame(payload: bytes, *, masked: bool = False) -> bytes:
    return Frame(Opcode.BINARY, payload).serialize(mask=masked)


@pytest.mark.parametrize("masked", [True, False])
@pytest.mark.parametrize("length", [0, 125, 126, 65_535, 65_536])
def test_the_size_of_a_frame_is_read_from_its_header(length: int, masked: bool) -> None:
    data = b"??" + frame(b"x" * length, masked=masked)
    head = frame_head(data, 2)
    assert head is not None
    assert (head.size, head.payload_bytes, head.masked) == (len(data) - 2, length, masked)


def test_a_cut_header_is_none() -> None:
    data = frame(b"x" * 200, masked=True)
    assert [frame_head(data[:length], 0) is None for length in (0, 1, 7, 8)] == [1, 1, 1, 0]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_the_tracker_knows_what_a_frame_lacks_however_it_is_cut(step: int) -> None:
    frames = [frame(b"x" * 200, masked=True), frame(b""), frame(b"y" * 130)]
    data, tracker = b"".join(frames), FrameTracker()
    for at in range(0, len(data), step):
        tracker.feed(data[at : at + step])
    assert tracker.lacking_bytes == 0


def test_the_tracker_says_how_much_is_lacking() -> None:
    tracker = FrameTracker()
    tracker.feed(frame(b"") + frame(b"x" * 100)[:30])
    assert tracker.lacking_bytes == 72


def test_a_cut_header_leaves_it_unknown() -> None:
    tracker = FrameTracker()
    tracker.feed(b"\x82")
    assert tracker.lacking_bytes is None
