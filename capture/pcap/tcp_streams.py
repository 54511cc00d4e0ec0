"""What the packets say of each TCP stream: when it opened and closed, who sent how much.

The bytes themselves come from tshark's follow, which drops what it cannot place without a word;
the sums here tell what it dropped. Its times went through a float: the exact ones are here too.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from capture.errors import CaptureError
from capture.format.model import CloseHow

Address = tuple[str, int]

FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10
TLS_RECORDS = tuple(bytes((kind, 3)) for kind in (0x14, 0x15, 0x16, 0x17))
WEBSOCKET = b"websocket"
# A packet from before the first one has a relative number just under 2**32.
FIRST_SEQUENCE, LAST_SEQUENCE = 1, 1 << 31


class Close(NamedTuple):
    """One FIN or RST."""

    at_ns: int
    address: Address
    how: CloseHow


@dataclass(slots=True)
class Sender:
    """What one end of a stream sent. Sequence numbers are relative."""

    first_sequence: int
    end_sequence: int
    first_data_packet: int | None = None
    tail: bytes = b""

    @property
    def sent_bytes(self) -> int:
        """How many bytes it sent since its first packet in the file."""
        return self.end_sequence - self.first_sequence


@dataclass(slots=True)
class TcpStream:
    """One TCP connection; times count from the first packet of the file.

    `cut` maps a packet's number to how many bytes of its payload were not captured.
    """

    number: int
    senders: dict[Address, Sender] = field(default_factory=dict)
    opened: bool = False
    connected_at_ns: int | None = None
    closes: list[Close] = field(default_factory=list)
    cut: dict[int, int] = field(default_factory=dict)
    first_data: bytes = b""
    starts_late: bool = False
    mentions_websocket: bool = False

    @property
    def looks_encrypted(self) -> bool:
        """Whether its first bytes are those of a TLS record."""
        return self.first_data.startswith(TLS_RECORDS)

    @property
    def may_be_websocket(self) -> bool:
        """Whether it is worth reading: a handshake is in sight, or may lie before the file."""
        late = self.starts_late or not self.opened
        return self.mentions_websocket or (late and not self.looks_encrypted)


class Packet(NamedTuple):
    """One line of tshark's fields; the payload in hexadecimal."""

    number: int
    at_ns: int
    source: Address
    stream: int | None
    sequence: int
    length: int
    is_cut: bool
    flags: int
    payload: bytes


@dataclass(slots=True)
class Packets:
    """All TCP streams of a file, and when each packet came (nanoseconds since the Unix epoch)."""

    streams: dict[int, TcpStream] = field(default_factory=dict)
    times_ns: array[int] = field(default_factory=lambda: array("q"))
    origin_ns: int = 0
    last_ns: int = 0

    def since_origin_ns(self, number: int) -> int | None:
        """When a packet came, counted from the first one; None where no such packet was read."""
        if number >= len(self.times_ns) or self.times_ns[number] < 0:
            return None
        # Packets may lie a little out of order in a file; no time is before its beginning.
        return max(self.times_ns[number] - self.origin_ns, 0)


def nanoseconds(text: bytes) -> int:
    """Return seconds with a fraction, as tshark writes them, in nanoseconds; never by a float."""
    # A packet may have no time at all, in formats that leave it out.
    seconds, _, fraction = (text or b"0").partition(b".")
    return int(seconds) * 1_000_000_000 + int(fraction.ljust(9, b"0")[:9])


def read_packets(lines: Iterable[bytes]) -> Packets:
    """Read the lines of `Tshark.packets`. Raises CaptureError where a line is something else."""
    packets = Packets()
    for line in lines:
        packet = _packet(line)
        if not packets.times_ns:
            packets.origin_ns = packet.at_ns
        absent = packet.number - len(packets.times_ns)
        packets.times_ns.extend([-1] * absent + [packet.at_ns])
        packets.last_ns = max(packets.last_ns, packet.at_ns)
        if packet.stream is not None:
            stream = packets.streams.setdefault(packet.stream, TcpStream(packet.stream))
            _add(stream, packet, packets.since_origin_ns(packet.number) or 0)
    return packets


def _packet(line: bytes) -> Packet:
    try:
        return _fields(*line.rstrip(b"\n").split(b"\t"))
    except (TypeError, ValueError):
        raise CaptureError(f"cannot understand what tshark printed: {line[:60]!r}") from None


def _fields(  # noqa: PLR0913  the fields that Tshark.packets asks for
    number: bytes,
    at: bytes,
    wire_length: bytes,
    captured_length: bytes,
    ip4: bytes,
    ip6: bytes,
    port: bytes,
    stream: bytes,
    sequence: bytes,
    length: bytes,
    flags: bytes,
    payload: bytes,
) -> Packet:
    return Packet(
        number=int(number),
        at_ns=nanoseconds(at),
        source=((ip4 or ip6).decode(), int(port or 0)),
        stream=int(stream) if stream else None,
        sequence=int(sequence or 0),
        length=int(length or 0),
        is_cut=int(captured_length) < int(wire_length),
        flags=int(flags or b"0", 16),
        payload=payload,
    )


def _add(stream: TcpStream, packet: Packet, at_ns: int) -> None:
    syn = bool(packet.flags & SYN)
    if syn:
        stream.opened = True
        if packet.flags & ACK and stream.connected_at_ns is None:
            stream.connected_at_ns = at_ns
    sender = stream.senders.get(packet.source)
    if sender is None:
        first = packet.sequence + syn
        sender = stream.senders[packet.source] = Sender(first, first)
    if packet.length:
        _add_data(stream, sender, packet)
    for flag, how in ((FIN, CloseHow.FIN), (RST, CloseHow.RESET)):
        if packet.flags & flag:
            stream.closes.append(Close(at_ns, packet.source, how))


def _add_data(stream: TcpStream, sender: Sender, packet: Packet) -> None:
    if packet.is_cut:
        stream.cut[packet.number] = packet.length - len(packet.payload) // 2
    if sender.first_data_packet is None:
        sender.first_data_packet = packet.number
        stream.starts_late |= packet.sequence != FIRST_SEQUENCE
    if packet.sequence < LAST_SEQUENCE:
        sender.end_sequence = max(sender.end_sequence, packet.sequence + packet.length)
    if not stream.mentions_websocket:
        payload = bytes.fromhex(packet.payload.decode())
        stream.first_data = stream.first_data or payload[:2]
        seen = sender.tail + payload.lower()
        stream.mentions_websocket = WEBSOCKET in seen
        sender.tail = seen[1 - len(WEBSOCKET) :]
