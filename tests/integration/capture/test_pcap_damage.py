"""Retransmissions, lost packets and cut ones, read with the real tshark."""

from pathlib import Path

import pytest

from tests.integration.capture.pcap_packets import (
    REQUEST,
    Tcp,
    closes,
    frames,
    from_client,
    from_server,
    gaps,
    imported,
    notes,
    require,
    snapped,
)


@pytest.fixture(autouse=True)
def tshark() -> None:
    require("tshark")


def test_retransmissions_are_read_once(tmp_path: Path) -> None:
    tcp = Tcp().open()
    first, second = from_server(b"first"), from_server(b"second")
    sequence = tcp.server(first)
    tcp.again(1, sequence, first)
    # Sent again together with what is new, then a part of that again.
    tcp.again(1, sequence, first + second)
    tcp.again(1, sequence + len(first), second[:4])
    tcp.server(from_server(b"third"))
    capture = imported(tcp.packets, tmp_path)
    assert frames(capture) == [("s", b"first"), ("s", b"second"), ("s", b"third")]
    assert gaps(capture) == []


def test_segments_out_of_order(tmp_path: Path) -> None:
    tcp = Tcp().open()
    tcp.server(from_server(b"first"), acknowledge=False)
    tcp.server(from_server(b"second"), acknowledge=False)
    tcp.swap_last_two()
    tcp.server(from_server(b"third"))
    capture = imported(tcp.packets, tmp_path)
    assert [payload for _, payload in frames(capture)] == [b"first", b"second", b"third"]
    arrivals = [event.at_ns for event in capture.events]
    assert arrivals == sorted(arrivals)
    assert gaps(capture) == []


def test_a_fin_before_the_data_that_came_late(tmp_path: Path) -> None:
    tcp = Tcp().open()
    tcp.server(from_server(b"last words"), acknowledge=False)
    tcp.fin(1)
    tcp.swap_last_two()
    capture = imported(tcp.packets, tmp_path)
    assert frames(capture) == [("s", b"last words")]
    assert [type(event).__name__ for event in capture.events][-2:] == ["Frame", "TcpClose"]


@pytest.mark.parametrize("sender", ["c", "s"])
def test_a_lost_segment_is_a_gap_and_decoding_goes_on(tmp_path: Path, sender: str) -> None:
    tcp = Tcp().open()
    send, frame = (tcp.client, from_client) if sender == "c" else (tcp.server, from_server)
    send(frame(b"before"))
    send(frame(b"lost"), keep=False)
    send(frame(b"after"))
    tcp.fin(0)
    capture = imported(tcp.packets, tmp_path)
    assert frames(capture) == [(sender, b"before"), (sender, b"after")]
    assert gaps(capture) == [(sender, len(frame(b"lost")))]
    assert all(not getattr(event, "invalid", "") for event in capture.events)


def test_several_lost_segments_are_one_gap(tmp_path: Path) -> None:
    tcp = Tcp().open()
    for text in (b"one", b"two", b"three"):
        tcp.server(from_server(text), keep=False)
    tcp.server(from_server(b"after"))
    capture = imported(tcp.packets, tmp_path)
    assert (frames(capture), gaps(capture)) == ([("s", b"after")], [("s", 17)])


def test_a_hole_within_a_frame_costs_that_frame_only(tmp_path: Path) -> None:
    tcp, long = Tcp().open(), from_server(b"x" * 3_000)
    tcp.server(long[:1_000])
    tcp.server(long[1_000:2_000], keep=False)
    tcp.server(long[2_000:] + from_server(b"in the same packet"))
    capture = imported(tcp.packets, tmp_path)
    assert (frames(capture), gaps(capture)) == ([("s", b"in the same packet")], [("s", 1_000)])


def test_the_beginning_of_a_long_frame_is_lost(tmp_path: Path) -> None:
    tcp, long = Tcp().open(), from_client(bytes(range(32, 127)) * 40)
    tcp.client(long[:1_000], keep=False)
    tcp.client(long[1_000:2_000])
    tcp.client(long[2_000:])
    tcp.client(from_client(b"after"))
    capture = imported(tcp.packets, tmp_path)
    assert frames(capture) == [("c", b"after")]
    assert f"{len(long) - 1_000} bytes client_to_server were passed over" in notes(capture)[1]


def test_text_that_reads_like_tsharks_mark_is_text(tmp_path: Path) -> None:
    mark, tcp = b"[208 bytes missing in capture file]\0", Tcp().open()
    frame = from_server(mark)
    tcp.server(frame[:2])
    tcp.server(frame[2:])  # the payload of this packet is the mark and nothing else
    capture = imported(tcp.packets, tmp_path)
    assert (frames(capture), gaps(capture)) == ([("s", mark)], [])


def test_what_tshark_drops_at_the_end_of_the_file_is_a_gap(tmp_path: Path) -> None:
    tcp = Tcp().open()
    tcp.server(from_server(b"before"))
    tcp.server(from_server(b"lost"), keep=False, acknowledge=False)
    tcp.server(from_server(b"never acknowledged"), acknowledge=False)
    capture = imported(tcp.packets, tmp_path)
    assert (frames(capture), gaps(capture)) == ([("s", b"before")], [("s", 26)])


def test_packets_that_were_not_kept_whole(tmp_path: Path) -> None:
    tcp = Tcp().open()
    tcp.server(from_server(b"x" * 500))
    tcp.server(from_server(b"after"))
    packets = [snapped(packet, 300) for packet in tcp.packets]
    capture = imported(packets, tmp_path)
    assert (frames(capture), gaps(capture)) == ([("s", b"after")], [("s", 258)])


def test_a_lost_answer_does_not_cost_the_frames(tmp_path: Path) -> None:
    tcp = Tcp()
    tcp.client(REQUEST)
    tcp.server(b"HTTP/1.1 101 Switching Protocols\r\n\r\n", keep=False)
    tcp.server(from_server(b"hello"))
    tcp.client(from_client(b"hi"))
    capture = imported(tcp.packets, tmp_path)
    assert [payload for _, payload in frames(capture)] == [b"hello", b"hi"]


@pytest.mark.parametrize("first_kept", [8, 9, 10, 11, 12])
def test_a_recording_that_began_mid_connection(tmp_path: Path, first_kept: int) -> None:
    tcp, long = Tcp().open(), from_server(b"x" * 3_000)
    for start in range(0, len(long), 1_000):
        tcp.server(long[start : start + 1_000])
    for number in range(3):
        tcp.client(from_client(f"ask {number}".encode()))
        tcp.server(from_server(f"answer {number}".encode()))
    tcp.fin(1)
    capture = imported(tcp.packets[first_kept:], tmp_path)
    told = [pair for n in range(3) for pair in (("c", b"ask %d" % n), ("s", b"answer %d" % n))]
    assert frames(capture) == told
    assert "its handshake is not in the file" in notes(capture)[0]
    assert [close[:2] for close in closes(capture)] == [("server", "fin")]


def test_a_recording_that_missed_only_the_request(tmp_path: Path) -> None:
    tcp = Tcp().open()
    for _ in range(3):
        tcp.client(from_client(b"hi"))
    capture = imported([p for p in tcp.packets if REQUEST not in bytes(p)], tmp_path)
    assert frames(capture) == [("c", b"hi")] * 3
    assert gaps(capture) == [("c", len(REQUEST))]
