"""Packet files made to measure: TCP connections whose every packet a test decides on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

import pytest
from scapy.config import conf
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.layers.l2 import Ether
from scapy.packet import Packet, Raw
from scapy.utils import EDecimal, wrpcap
from websockets.frames import Frame as WireFrame
from websockets.frames import Opcode

from capture.format.model import Capture, Event, Frame, Gap, Note, TcpClose
from capture.format.reader import read_capture
from capture.pcap import import_pcap

conf.verb = 0

# With addresses of their own, scapy does not ask the network for them.
ETHERNET = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
CLIENT, SERVER = ("10.0.0.1", 5000), ("10.0.0.2", 8080)
BEGAN_NS = 1_700_000_000_000_000_000
MILLISECOND = 1_000_000
REQUEST = (
    b"GET /ws HTTP/1.1\r\nHost: chat.test:8080\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
ANSWER = SWITCHING + b"\r\n"
DEFLATE_ANSWER = SWITCHING + b"Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"


def require(program: str) -> None:
    """Skip where a program is missing, but fail in CI, which has to have it."""
    if shutil.which(program) is not None:
        return
    reason = f"{program} is not installed (apt install tshark tcpdump)"
    if os.environ.get("CI") == "true" or os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def from_server(payload: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    return WireFrame(opcode, payload, fin=fin).serialize(mask=False)


def from_client(payload: bytes, opcode: Opcode = Opcode.TEXT, *, fin: bool = True) -> bytes:
    return WireFrame(opcode, payload, fin=fin).serialize(mask=True)


class Tcp:
    """One connection; each packet comes a millisecond after the one before, unless told."""

    def __init__(
        self,
        client: tuple[str, int] = CLIENT,
        server: tuple[str, int] = SERVER,
        now_ns: int = BEGAN_NS,
    ) -> None:
        self.addresses = (client, server)
        self.next = [1_000, 5_000]
        self.now_ns = now_ns
        self.packets: list[Packet] = []

    def open(self, answer: bytes = ANSWER) -> Tcp:
        """TCP's handshake and WebSocket's."""
        self._packet(0, "S")
        self._packet(1, "SA")
        self._packet(0, "A")
        self.client(REQUEST)
        self.server(answer)
        return self

    def client(self, data: bytes, *, keep: bool = True, acknowledge: bool = True) -> int:
        """Send a segment; return its sequence number. Not kept means lost in recording."""
        return self._data(0, data, keep, acknowledge)

    def server(self, data: bytes, *, keep: bool = True, acknowledge: bool = True) -> int:
        return self._data(1, data, keep, acknowledge)

    def again(self, side: int, sequence: int, data: bytes) -> None:
        """Send bytes of an earlier sequence number."""
        self._packet(side, "PA", data, sequence)

    def fin(self, side: int) -> None:
        self._packet(side, "FA")

    def reset(self, side: int) -> None:
        self._packet(side, "R")

    def swap_last_two(self) -> None:
        """Exchange the last two packets; each time stays in its place."""
        first, second = self.packets[-2:]
        first.time, second.time = second.time, first.time
        self.packets[-2:] = [second, first]

    def _data(self, side: int, data: bytes, keep: bool, acknowledge: bool) -> int:
        sequence = self.next[side]
        self._packet(side, "PA", data, keep=keep)
        if acknowledge:
            self._packet(1 - side, "A")
        return sequence

    def _packet(
        self,
        side: int,
        flags: str,
        data: bytes = b"",
        sequence: int | None = None,
        keep: bool = True,
    ) -> None:
        (source, source_port), (to, to_port) = self.addresses[side], self.addresses[1 - side]
        at = self.next[side] if sequence is None else sequence
        ip = IPv6(src=source, dst=to) if ":" in source else IP(src=source, dst=to)
        acknowledged = 0 if flags == "S" else self.next[1 - side]
        ports = {"sport": source_port, "dport": to_port}
        packet = ETHERNET / ip / TCP(**ports, flags=flags, seq=at, ack=acknowledged)
        if data:
            packet = packet / Raw(data)
        packet.time = EDecimal(self.now_ns) / 1_000_000_000
        self.now_ns += MILLISECOND
        self.next[side] = max(self.next[side], at + len(data) + len(set(flags) & set("SF")))
        if keep:
            self.packets.append(packet)


def in_order_of_time(*connections: Tcp) -> list[Packet]:
    return sorted((p for tcp in connections for p in tcp.packets), key=lambda p: p.time)


def snapped(packet: Packet, length: int) -> Packet:
    """A packet of which only the first bytes were kept."""
    cut = Ether(bytes(packet)[:length])
    cut.time, cut.wirelen = packet.time, len(bytes(packet))
    return cut


def imported(packets: Iterable[Packet], directory: Path, *, nano: bool = False) -> Capture:
    """The capture that an import of these packets makes."""
    file, out = directory / "session.pcap", directory / "session.capture"
    wrpcap(str(file), list(packets), nano=nano)
    import_pcap(file, out, keep_secrets=True, overwrite=True)
    return read_capture(out)


def frames(capture: Capture) -> list[tuple[str, bytes]]:
    return [(e.direction[0], e.payload) for e in capture.events if isinstance(e, Frame)]


def of_kind(capture: Capture, kind: type[Event]) -> list[Event]:
    return [event for event in capture.events if isinstance(event, kind)]


def gaps(capture: Capture) -> list[tuple[str, int | None]]:
    return [(e.direction[0], e.missing_bytes) for e in capture.events if isinstance(e, Gap)]


def closes(capture: Capture) -> list[tuple[str, str, int]]:
    return [(e.side, e.how, e.at_ns) for e in capture.events if isinstance(e, TcpClose)]


def notes(capture: Capture) -> list[str]:
    return [event.text for event in capture.events if isinstance(event, Note)]
