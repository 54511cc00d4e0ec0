import base64

import pytest

from capture.errors import CaptureError
from capture.pcap.follow import Chunk, sections
from capture.pcap.tcp_streams import Packets, Sender, TcpStream

CLIENT, SERVER = ("10.0.0.1", 5000), ("::1", 8080)
PEERS = b"""peers:
  - peer: 0
    host: 10.0.0.1
    port: 5000
  - peer: 1
    host: ::1
    port: 8080
packets:
"""
MARKER = b"[208 bytes missing in capture file]\0"


def chunk(packet: int, peer: int, time: str, data: bytes, extra: str = "") -> bytes:
    head = f"  - packet: {packet}\n    peer: {peer}\n{extra}    timestamp: {time}\n"
    lines = base64.encodebytes(data).decode().splitlines() or [""]
    return (head + "    data: !!binary |\n" + "".join(f"      {x}\n" for x in lines)).encode()


def packets_at(*times_ns: int) -> Packets:
    """Packets 1, 2, … at these times; the first data of the one stream is packet 1."""
    stream = TcpStream(0, senders={CLIENT: Sender(1, 1, first_data_packet=1)})
    packets = Packets(streams={0: stream}, origin_ns=times_ns[0])
    packets.times_ns.extend([-1, *times_ns])
    return packets


def chunks_of(text: bytes, packets: Packets) -> list[Chunk]:
    (section,) = sections(text, packets)
    return list(section.chunks())


def test_chunks_of_both_peers_come_in_their_order() -> None:
    text = PEERS + chunk(1, 0, "5.000000000", b"a") + chunk(2, 1, "5.000000007", b"b")
    assert chunks_of(text, packets_at(5, 12)) == [Chunk(0, CLIENT, b"a"), Chunk(7, SERVER, b"b")]


def test_data_over_several_lines_is_whole() -> None:
    data = bytes(range(256)) * 3
    assert chunks_of(PEERS + chunk(1, 0, "1.0", data), packets_at(1))[0].data == data


def test_an_index_line_of_a_later_tshark_is_passed_over() -> None:
    text = PEERS + chunk(1, 0, "1.0", b"a", extra="    index: 0\n")
    assert [part.data for part in chunks_of(text, packets_at(1))] == [b"a"]


def test_missing_bytes_are_no_data() -> None:
    text = PEERS + chunk(1, 0, "5.0", b"a") + chunk(2, 0, "0.000000000", MARKER)
    found = chunks_of(text, packets_at(5, 9))[1]
    assert (found.data, found.missing_bytes, found.at_ns) == (b"", 208, 0)


def test_the_same_text_with_a_time_is_data() -> None:
    text = PEERS + chunk(1, 0, "5.000000000", MARKER)
    assert chunks_of(text, packets_at(5)) == [Chunk(0, CLIENT, MARKER)]


def test_times_come_from_the_packets_not_from_the_float_that_follow_prints() -> None:
    began, exact = 1_700_000_000_000_000_000, 1_700_000_000_008_999_000
    text = PEERS + chunk(1, 0, "1700000000.0", b"a") + chunk(2, 0, "1700000000.008999109", b"b")
    assert chunks_of(text, packets_at(began, exact))[1].at_ns == 8_999_000


def test_a_packet_that_came_too_early_counts_from_when_it_could_be_read() -> None:
    text = PEERS + chunk(1, 0, "1.0", b"a") + chunk(3, 0, "1.0", b"b") + chunk(2, 0, "1.0", b"c")
    assert [part.at_ns for part in chunks_of(text, packets_at(0, 5, 9))] == [0, 9, 9]


def test_what_was_cut_off_a_packet_is_missing_after_its_data() -> None:
    packets = packets_at(3)
    packets.streams[0].cut[1] = 40
    found = chunks_of(PEERS + chunk(1, 0, "1.0", b"a"), packets)
    assert [(part.data, part.missing_bytes) for part in found] == [(b"a", 0), (b"", 40)]


def test_streams_are_told_apart_by_their_packets_in_whatever_order_they_come() -> None:
    packets = packets_at(1, 2)
    other = TcpStream(7, senders={SERVER: Sender(1, 1, first_data_packet=2)})
    packets.streams[7] = other
    text = PEERS + chunk(2, 1, "2.0", b"x") + PEERS + chunk(1, 0, "1.0", b"y")
    assert [section.stream.number for section in sections(text, packets)] == [7, 0]


def test_a_stream_without_data_is_left_out() -> None:
    assert list(sections(PEERS, packets_at(1))) == []
    assert list(sections(b"", packets_at(1))) == []


def test_data_that_looks_like_a_section_does_not_end_one() -> None:
    text = PEERS + chunk(1, 0, "1.0", base64.b64decode("peers+++")) + chunk(2, 0, "1.0", b"b")
    assert len(chunks_of(text, packets_at(1, 2))) == 2


@pytest.mark.parametrize("damage", [b"surprise\n", b"  - packet: x\n", PEERS[:30]])
def test_other_output_is_an_error_and_never_skipped(damage: bytes) -> None:
    with pytest.raises(CaptureError, match="cannot understand"):
        chunks_of(PEERS + chunk(1, 0, "1.0", b"a") + damage, packets_at(1))
