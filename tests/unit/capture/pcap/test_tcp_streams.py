import pytest

from capture.errors import CaptureError
from capture.format.model import CloseHow
from capture.pcap.tcp_streams import Close, Packets, TcpStream, nanoseconds, read_packets

CLIENT, SERVER = ("10.0.0.1", 5000), ("10.0.0.2", 8080)
SYN, SYN_ACK, ACK, FIN, RST = 0x02, 0x12, 0x10, 0x11, 0x04


class Lines(list[bytes]):
    """Lines as tshark prints them, a packet each."""

    def add(
        self,
        address: tuple[str, int],
        flags: int,
        sequence: int,
        data: bytes = b"",
        at: str = "1.0",
        cut: int = 0,
    ) -> None:
        size = 54 + len(data) + cut
        ip4, ip6 = ("", address[0]) if ":" in address[0] else (address[0], "")
        fields = (len(self) + 1, at, size, size - cut, ip4, ip6, address[1], 0, sequence)
        rest = (len(data) + cut, hex(flags), data.hex())
        self.append(("\t".join(map(str, (*fields, *rest))) + "\n").encode())


def opened() -> Lines:
    lines = Lines()
    lines.add(CLIENT, SYN, 0, at="10.000000001")
    lines.add(SERVER, SYN_ACK, 0, at="10.000000031")
    lines.add(CLIENT, ACK, 1, at="10.000000041")
    return lines


def only(lines: Lines) -> TcpStream:
    return read_packets(lines).streams[0]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"1700000000.123456789", 1_700_000_000_123_456_789),
        (b"1700000000.000000001", 1_700_000_000_000_000_001),
        (b"9007199254.740993", 9_007_199_254_740_993_000),
        (b"0.000000000", 0),
        (b"7", 7_000_000_000),
        (b"", 0),
    ],
)
def test_nanoseconds_are_exact(text: bytes, expected: int) -> None:
    assert nanoseconds(text) == expected


def test_connected_is_the_first_syn_ack_since_the_first_packet() -> None:
    lines = opened()
    lines.add(SERVER, SYN_ACK, 0, at="11.0")
    assert only(lines).connected_at_ns == 30


def test_the_first_packet_begins_the_time_even_if_it_is_not_tcp() -> None:
    lines = Lines([b"1\t9.999999999\t44\t44\t10.0.0.9\t\t\t\t\t\t\t\n"])
    lines.add(CLIENT, SYN, 0, at="10.000000001")
    packets = read_packets(lines)
    assert packets.origin_ns == 9_999_999_999
    assert packets.since_origin_ns(2) == 2


def test_no_time_lies_before_the_first_packet() -> None:
    lines = opened()
    lines.add(CLIENT, ACK, 1, at="9.0")
    assert read_packets(lines).since_origin_ns(4) == 0


def test_packets_that_were_not_listed_have_no_time() -> None:
    packets = Packets()
    packets.times_ns.extend([-1, 5, -1])
    assert [packets.since_origin_ns(number) for number in (0, 2, 9)] == [None, None, None]


def test_repeated_bytes_are_counted_once() -> None:
    lines = opened()
    for sequence, data in ((1, b"abc"), (1, b"abc"), (7, b"ghi"), (4, b"def")):
        lines.add(CLIENT, ACK, sequence, data)
    assert only(lines).senders[CLIENT].sent_bytes == 9


def test_a_stream_from_the_middle_counts_from_its_first_packet() -> None:
    lines = Lines()
    lines.add(SERVER, ACK, 100)
    lines.add(SERVER, ACK, 100, b"abc")
    lines.add(SERVER, ACK, 4_294_967_290, b"before")
    assert only(lines).senders[SERVER].sent_bytes == 3


def test_closes_keep_who_how_and_when() -> None:
    lines = opened()
    lines.add(SERVER, FIN, 1, at="10.000000101")
    lines.add(CLIENT, RST, 1, at="10.000000201")
    fin, reset = Close(100, SERVER, CloseHow.FIN), Close(200, CLIENT, CloseHow.RESET)
    assert only(lines).closes == [fin, reset]


def test_a_handshake_is_seen_across_two_packets() -> None:
    lines = opened()
    lines.add(CLIENT, ACK, 1, b"GET / HTTP/1.1\r\nUpgrade: Web")
    assert not only(lines).may_be_websocket
    lines.add(CLIENT, ACK, 29, b"Socket\r\n\r\n")
    assert only(lines).may_be_websocket


def test_a_stream_from_the_middle_may_be_websocket_unless_encrypted() -> None:
    plain, encrypted = Lines(), Lines()
    plain.add(CLIENT, ACK, 1, b"\x81\x85")
    encrypted.add(CLIENT, ACK, 1, b"\x17\x03\x03\x00\x20")
    assert only(plain).may_be_websocket
    assert only(encrypted).looks_encrypted
    assert not only(encrypted).may_be_websocket


def test_a_stream_whose_first_bytes_are_lost_may_be_websocket() -> None:
    lines = opened()
    lines.add(CLIENT, ACK, 200, b"\x81\x85")
    assert only(lines).may_be_websocket


def test_what_a_short_snap_length_cut_off_is_known() -> None:
    lines = opened()
    lines.add(CLIENT, ACK, 1, b"abc", cut=40)
    assert only(lines).cut == {4: 40}


@pytest.mark.parametrize("line", [b"1\t2\n", b"1\tNov 14, 2023" + b"\t" * 10, b"\n"])
def test_other_output_is_an_error(line: bytes) -> None:
    with pytest.raises(CaptureError, match="cannot understand"):
        read_packets([line])


def test_addresses_may_be_ipv6() -> None:
    lines = Lines()
    lines.add(("::1", 5000), SYN, 0)
    assert list(only(lines).senders) == [("::1", 5000)]
