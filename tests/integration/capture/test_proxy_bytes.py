"""The proxy adds, changes and loses no byte, in either direction, and records every one."""

import random
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from capture.format.model import Direction, Frame, TcpClose, UpgradeRequest
from capture.websocket_decoder import FrameDecoder
from tests.integration.capture.proxied import (
    Proxy,
    Upstream,
    dial,
    opened,
    read_all,
    read_exactly,
    read_head,
    reset,
)
from tests.unit.capture.wire import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    REQUEST,
    RESPONSE,
    TEXT,
    frame,
)


def odd_frames(mask: bytes | None) -> bytes:
    """Return frames of every kind, good and bad."""

    def one(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0) -> bytes:
        return frame(opcode, payload, fin=fin, mask=mask, rsv=rsv)

    return b"".join(
        [
            one(TEXT, b"hello"),
            one(TEXT, "Zo\N{LATIN SMALL LETTER E WITH DIAERESIS}".encode() * 30_000),
            one(BINARY, bytes(range(256)) * 2),
            one(TEXT, b"frag", fin=False) + one(PING, b"?") + one(CONTINUATION, b"ment"),
            one(TEXT, b"cut \xc3", fin=False) + one(PONG) + one(CONTINUATION, b"\xa9 character"),
            one(TEXT, b"reserved bits", rsv=7) + one(TEXT, b"not \xff UTF-8"),
            one(3, b"reserved opcode") + one(11, b"reserved control opcode"),
            one(PING, b"p" * 200) + one(PING, b"fragmented ping", fin=False),
            one(CONTINUATION, b"of nothing"),
            frame(TEXT, b"wrongly masked", mask=None if mask else b"mask"),
            one(CLOSE, b"\x03\xe8bye") + one(TEXT, b"after the close"),
        ]
    )


def garbage(seed: int) -> bytes:
    return random.Random(seed).randbytes(50_000)


def send_in_pieces(connection: socket.socket, data: bytes, seed: int) -> None:
    sizes = random.Random(seed)
    start = 0
    while start < len(data):
        size = sizes.choice((1, 2, 3, 700, 40_000))
        connection.sendall(data[start : start + size])
        start += size
    connection.shutdown(socket.SHUT_WR)


def test_every_byte_arrives_and_is_recorded_in_both_directions(tmp_path: Path) -> None:
    up = odd_frames(b"\x01\x02\x03\x04") + garbage(1)
    down = odd_frames(None) + garbage(2)
    with Upstream() as upstream, Proxy(upstream.url, tmp_path / "x.jsonl") as proxy:
        client, server = opened(proxy, upstream)
        with client, server, ThreadPoolExecutor() as threads:
            sending = [
                threads.submit(send_in_pieces, client, up, 3),
                threads.submit(send_in_pieces, server, down, 4),
            ]
            arrived_up, arrived_down = threads.map(read_all, (server, client))
            for each in sending:
                each.result()
        assert arrived_up == up
        assert arrived_down == down
        frames = [event for event in proxy.capture().events if isinstance(event, Frame)]
    for direction, sent in ((Direction.CLIENT_TO_SERVER, up), (Direction.SERVER_TO_CLIENT, down)):
        recorded = sorted(
            (each.wire_length, each.opcode, each.fin, each.masked, each.payload)
            for each in frames
            if each.direction is direction
        )
        expected = sorted(
            (each.wire_length, each.opcode, each.fin, each.masked, each.payload)
            for each in FrameDecoder().feed(sent, 0)
        )
        assert recorded == expected


def test_frames_in_one_piece_with_the_handshakes_arrive_and_are_recorded(tmp_path: Path) -> None:
    up, down = frame(TEXT, b"early", mask=b"mask"), frame(TEXT, b"at once")
    with Upstream() as upstream, Proxy(upstream.url, tmp_path / "x.jsonl") as proxy:
        client = dial(proxy)
        client.sendall(REQUEST + up)
        server = upstream.accept()
        read_head(server)
        assert read_exactly(server, len(up)) == up
        server.sendall(RESPONSE + down)
        assert read_exactly(client, len(RESPONSE + down)) == RESPONSE + down
        client.close()
        server.close()
        texts = {event.text for event in proxy.capture().events if isinstance(event, Frame)}
    assert texts == {"early", "at once"}


def test_only_the_host_and_an_origin_of_the_proxy_itself_change(tmp_path: Path) -> None:
    head = (
        b"GET /ws?room=1&x=%20 HTTP/1.1\r\nHost: {host}\r\nupgrade:websocket\r\nX-Odd:  two \r\n"
        b"Origin: {origin}\r\nSec-WebSocket-Protocol: chat, superchat\r\n\r\n"
    )

    def with_names(host: str, origin: str) -> bytes:
        return head.replace(b"{host}", host.encode()).replace(b"{origin}", origin.encode())

    with Upstream() as upstream, Proxy(upstream.url, tmp_path / "x.jsonl") as proxy:
        own, there = proxy.url.removeprefix("ws://"), upstream.url.removeprefix("ws://")
        for origin, sent_on in (
            (f"http://{own}", f"http://{there}"),
            ("https://elsewhere.test", "https://elsewhere.test"),
        ):
            with dial(proxy) as client:
                client.sendall(with_names(own, origin))
                with upstream.accept() as server:
                    assert read_head(server) == with_names(there, sent_on)
        requests = [e for e in proxy.capture().events if isinstance(e, UpgradeRequest)]
    assert {request.url for request in requests} == {f"{upstream.url}/ws?room=1&x=%20"}


@pytest.mark.parametrize("first", ["client", "server"])
def test_a_half_close_stays_one_and_data_flows_the_other_way(tmp_path: Path, first: str) -> None:
    with Upstream() as upstream, Proxy(upstream.url, tmp_path / "x.jsonl") as proxy:
        client, server = opened(proxy, upstream)
        ends = {"client": client, "server": server}
        closing = ends.pop(first)
        ((other, still_open),) = ends.items()
        closing.sendall(frame(TEXT, b"last words"))
        closing.shutdown(socket.SHUT_WR)
        assert read_all(still_open) == frame(TEXT, b"last words")
        late = frame(BINARY, b"late " * 50_000)
        with ThreadPoolExecutor() as threads:
            arriving = threads.submit(read_all, closing)
            still_open.sendall(late)
            still_open.shutdown(socket.SHUT_WR)
            assert arriving.result() == late
        client.close()
        server.close()
        closes = [event for event in proxy.capture().events if isinstance(event, TcpClose)]
    assert [(close.side, close.how) for close in closes] == [(first, "fin"), (other, "fin")]


@pytest.mark.parametrize("resetting", ["client", "server"])
def test_a_reset_arrives_as_a_reset(tmp_path: Path, resetting: str) -> None:
    with Upstream() as upstream, Proxy(upstream.url, tmp_path / "x.jsonl") as proxy:
        client, server = opened(proxy, upstream)
        one, other = (client, server) if resetting == "client" else (server, client)
        reset(one)
        with pytest.raises(ConnectionResetError):
            read_all(other)
        other.close()
        closes = [event for event in proxy.capture().events if isinstance(event, TcpClose)]
    assert [(close.side, close.how) for close in closes] == [(resetting, "reset")]


def send_until_blocked(sender: socket.socket, data: bytes) -> int:
    """Send until nobody takes any more; return how much was taken."""
    sender.settimeout(0.5)
    sent = 0
    while sent < len(data):
        try:
            sent += sender.send(data[sent : sent + 65_536])
        except TimeoutError:
            return sent
    pytest.fail("the sender never blocked")


@pytest.mark.parametrize("stopping", ["client", "server"])
def test_a_reader_that_stops_blocks_the_sender_and_loses_nothing(
    tmp_path: Path, stopping: str
) -> None:
    # Nothing in it reads like a word, so that it is recorded as fast as it comes.
    piece = frame(BINARY, bytes(random.Random(5).choices(range(128, 256), k=65_000)))
    total = piece * 300
    with (
        Upstream(receive_buffer=65_536) as upstream,
        Proxy(upstream.url, tmp_path / "x.jsonl") as proxy,
    ):
        client, server = opened(proxy, upstream)
        reader, sender = (server, client) if stopping == "server" else (client, server)
        before = proxy.memory_bytes()
        sent = send_until_blocked(sender, total)
        assert proxy.memory_bytes() - before < 40_000_000
        sender.settimeout(20)
        with ThreadPoolExecutor() as threads:
            arriving = threads.submit(read_exactly, reader, len(total))
            sender.sendall(total[sent:])
            assert arriving.result() == total
        client.close()
        server.close()
        frames = [event for event in proxy.capture().events if isinstance(event, Frame)]
    assert len(frames) == 300
    assert {each.wire_length for each in frames} == {len(piece)}
