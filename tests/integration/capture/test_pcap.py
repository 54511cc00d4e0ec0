"""Packet files of healthy connections, read with the real tshark."""

import zlib
from pathlib import Path

import pytest
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.utils import EDecimal, wrpcap, wrpcapng
from websockets.frames import Opcode

from capture.format.model import Frame, UpgradeRequest, UpgradeResponse
from capture.format.reader import read_capture
from capture.pcap import import_pcap
from tests.integration.capture.pcap_packets import (
    ANSWER,
    BEGAN_NS,
    DEFLATE_ANSWER,
    ETHERNET,
    MILLISECOND,
    REQUEST,
    Tcp,
    closes,
    frames,
    from_client,
    from_server,
    gaps,
    imported,
    in_order_of_time,
    notes,
    of_kind,
    require,
)


@pytest.fixture(autouse=True)
def tshark() -> None:
    require("tshark")


def test_a_whole_session(tmp_path: Path) -> None:
    tcp = Tcp().open()
    tcp.client(from_client(b"hi"))
    tcp.server(from_server(b"hello"))
    tcp.fin(1)
    tcp.fin(0)
    capture = imported(tcp.packets, tmp_path)
    assert capture.problem == ""
    assert (capture.header.vantage, capture.header.recorder) == ("wire", "deadheat pcap")
    assert capture.header.started_at == "2023-11-14T22:13:20.000000Z"
    (request,) = of_kind(capture, UpgradeRequest)
    (response,) = of_kind(capture, UpgradeResponse)
    assert isinstance(request, UpgradeRequest)
    assert isinstance(response, UpgradeResponse)
    assert (request.url, request.at_ns) == ("ws://chat.test:8080/ws", 3 * MILLISECOND)
    assert request.connected_at_ns == MILLISECOND
    assert (response.status, response.at_ns) == (101, 5 * MILLISECOND)
    assert frames(capture) == [("c", b"hi"), ("s", b"hello")]
    assert closes(capture) == [("server", "fin", 11_000_000), ("client", "fin", 12_000_000)]
    assert notes(capture) == ["TCP stream 0, 10.0.0.1:5000 to 10.0.0.2:8080"]


def test_frames_that_share_a_segment(tmp_path: Path) -> None:
    tcp = Tcp().open(ANSWER + from_server(b"with the answer"))
    tcp.server(from_server(b"one") + from_server(b"two") + from_server(b"three")[:3])
    tcp.server(from_server(b"three")[3:])
    capture = imported(tcp.packets, tmp_path)
    assert [payload for _, payload in frames(capture)] == [
        b"with the answer",
        *(b"one", b"two", b"three"),
    ]


def test_a_frame_over_several_segments_keeps_when_it_began(tmp_path: Path) -> None:
    tcp, long = Tcp().open(), from_server(b"x" * 3_000)
    began_ns = tcp.now_ns - BEGAN_NS
    for start in range(0, len(long), 1_000):
        tcp.server(long[start : start + 1_000])
    (frame,) = of_kind(imported(tcp.packets, tmp_path), Frame)
    assert isinstance(frame, Frame)
    assert len(frame.payload) == 3_000
    assert frame.first_byte_at_ns == began_ns
    assert frame.at_ns == began_ns + 6 * MILLISECOND


def test_a_request_over_several_segments(tmp_path: Path) -> None:
    tcp = Tcp()
    tcp.client(REQUEST[:2])
    tcp.client(REQUEST[2:100])
    tcp.client(REQUEST[100:])
    tcp.server(ANSWER)
    tcp.server(from_server(b"hello"))
    assert frames(imported(tcp.packets, tmp_path)) == [("s", b"hello")]


def test_what_tsharks_own_fields_lose_is_kept(tmp_path: Path) -> None:
    tcp = Tcp().open()
    tcp.server(from_server(b"nul \0 and \\n and \n"))
    tcp.server(from_server(b"first", fin=False) + from_server(b"", Opcode.CONT))
    tcp.server(from_server(b"", Opcode.BINARY))
    assert [payload for _, payload in frames(imported(tcp.packets, tmp_path))] == [
        b"nul \0 and \\n and \n",
        *(b"first", b"", b""),
    ]


def test_compressed_messages(tmp_path: Path) -> None:
    tcp, deflate = Tcp().open(DEFLATE_ANSWER), zlib.compressobj(wbits=-15)
    for payload in (b"again and again", b"again and again"):
        data = (deflate.compress(payload) + deflate.flush(zlib.Z_SYNC_FLUSH))[:-4]
        tcp.server(bytes((0xC1, len(data))) + data)
    assert frames(imported(tcp.packets, tmp_path)) == [("s", b"again and again")] * 2


def test_ipv6(tmp_path: Path) -> None:
    tcp = Tcp(("fe80::1", 5000), ("fe80::2", 8080)).open()
    tcp.server(from_server(b"hello"))
    tcp.fin(0)
    capture = imported(tcp.packets, tmp_path)
    assert frames(capture) == [("s", b"hello")]
    assert notes(capture) == ["TCP stream 0, [fe80::1]:5000 to [fe80::2]:8080"]
    assert [close[:2] for close in closes(capture)] == [("client", "fin")]


def test_a_tunnel(tmp_path: Path) -> None:
    tcp = Tcp().open()
    tcp.server(from_server(b"hello"))
    tcp.fin(0)
    tunnelled = [ETHERNET / IP(src="1.1.1.1", dst="1.1.1.2") / p[IP] for p in tcp.packets]
    for outer, inner in zip(tunnelled, tcp.packets, strict=True):
        outer.time = inner.time
    capture = imported(tunnelled, tmp_path)
    assert frames(capture) == [("s", b"hello")]
    assert [close[:2] for close in closes(capture)] == [("client", "fin")]


def test_two_connections_are_in_one_order_of_time(tmp_path: Path) -> None:
    first, second = Tcp(), Tcp(("10.0.0.3", 5000), now_ns=BEGAN_NS + 10_000)
    for tcp in (first, second):
        tcp.open()
    for number in range(3):
        first.server(from_server(f"a{number}".encode()))
        second.server(from_server(f"b{number}".encode()))
    file, out = tmp_path / "two.pcap", tmp_path / "two"
    wrpcap(str(file), in_order_of_time(first, second))
    import_pcap(file, out)
    written = [line for line in out.read_text().splitlines() if '"event":"frame"' in line]
    assert [line.split('"connection":"')[1][:2] for line in written] == ["c1", "c2"] * 3
    texts = [payload for _, payload in frames(read_capture(out))]
    assert texts == [b"a0", b"b0", b"a1", b"b1", b"a2", b"b2"]


def test_plain_http_and_other_traffic_beside_are_left_out(tmp_path: Path) -> None:
    tcp, other = Tcp().open(), Tcp(("10.0.0.3", 6000), now_ns=BEGAN_NS + 500)
    other.client(b"GET / HTTP/1.1\r\nHost: chat.test\r\n\r\n")
    other.server(b"HTTP/1.1 200 OK\r\nContent-Length: 22\r\n\r\nall about my WebSocket")
    tcp.server(from_server(b"hello"))
    udp = ETHERNET / IP(src="10.0.0.9", dst="10.0.0.2") / UDP(sport=1, dport=2) / b"hi"
    udp.time = EDecimal(BEGAN_NS - MILLISECOND) / 1_000_000_000
    quoting = ETHERNET / IP(src="10.0.0.9", dst="10.0.0.2") / ICMP(type=3, code=1)
    quoting = quoting / IP(src="10.0.0.8", dst="10.0.0.9") / TCP(sport=1, dport=2, seq=9)
    quoting.time = tcp.packets[-1].time
    capture = imported([udp, *in_order_of_time(tcp, other), quoting], tmp_path)
    (frame,) = of_kind(capture, Frame)
    assert capture.header.started_at == "2023-11-14T22:13:19.999000Z"
    assert frame.at_ns == 8 * MILLISECOND
    assert capture.header.about == {"file": "session.pcap", "tcp_streams": "2"}
    assert (gaps(capture), len(notes(capture))) == ([], 1)


def test_an_upgrade_after_other_requests_on_the_connection(tmp_path: Path) -> None:
    tcp = Tcp()
    tcp.client(b"GET /login HTTP/1.1\r\nHost: chat.test\r\n\r\n")
    tcp.server(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    tcp.client(REQUEST)
    tcp.server(ANSWER + from_server(b"hello"))
    capture = imported(tcp.packets, tmp_path)
    (response,) = of_kind(capture, UpgradeResponse)
    assert isinstance(response, UpgradeResponse)
    assert (response.status, frames(capture)) == (101, [("s", b"hello")])


def test_a_refused_upgrade_keeps_its_answer(tmp_path: Path) -> None:
    tcp = Tcp().open(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 4\r\n\r\nnope")
    (response,) = of_kind(imported(tcp.packets, tmp_path), UpgradeResponse)
    assert isinstance(response, UpgradeResponse)
    assert (response.status, response.body) == (403, "nope")


def test_a_reset_and_who_sent_it(tmp_path: Path) -> None:
    tcp = Tcp().open()
    tcp.client(from_client(b"hi"))
    tcp.reset(0)
    assert [close[:2] for close in closes(imported(tcp.packets, tmp_path))] == [("client", "reset")]


def test_times_of_a_nanosecond_file_are_exact(tmp_path: Path) -> None:
    tcp = Tcp(now_ns=BEGAN_NS + 123_456_789).open()
    for late_ns in (1, 22, 333):
        tcp.now_ns += late_ns
        tcp.server(from_server(b"x"))
    capture = imported(tcp.packets, tmp_path, nano=True)
    assert capture.header.started_at == "2023-11-14T22:13:20.123456789Z"
    arrivals = [event.at_ns for event in of_kind(capture, Frame)]
    assert arrivals == [7_000_001, 9_000_023, 11_000_356]


def test_pcapng(tmp_path: Path) -> None:
    tcp = Tcp().open()
    tcp.server(from_server(b"hello"))
    file, out = tmp_path / "session.pcapng", tmp_path / "session"
    wrpcapng(str(file), tcp.packets)
    import_pcap(file, out)
    (frame,) = of_kind(read_capture(out), Frame)
    assert (frame.at_ns, isinstance(frame, Frame)) == (7 * MILLISECOND, True)


def test_secrets_are_left_out_as_in_the_proxy(tmp_path: Path) -> None:
    secret = "s3cr3t-s3cr3t-s3cr3t"
    tcp, other = Tcp(), Tcp(("10.0.0.3", 5000), now_ns=BEGAN_NS + 9_500_000)
    tcp.client(REQUEST.replace(b"\r\n\r\n", f"\r\nAuthorization: Bearer {secret}\r\n\r\n".encode()))
    tcp.server(ANSWER)
    other.client(REQUEST)
    other.server(ANSWER + from_server(f"seen: {secret}".encode()))
    file, out = tmp_path / "session.pcap", tmp_path / "session"
    wrpcap(str(file), in_order_of_time(tcp, other))
    import_pcap(file, out)
    assert secret not in out.read_text()
    assert frames(read_capture(out)) == [("s", b"seen: {{deadheat:token:s1}}")]
    import_pcap(file, out, keep_secrets=True, overwrite=True)
    assert out.read_text().count(secret) == 2
