"""The schedule as a packet file, for what replays packets: one masked frame a packet."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

from websockets.frames import Frame, Opcode

from benchmarks.lateness.load import Load, payload

NANOSECOND_PCAP, ETHERNET = 0xA1B23C4D, 1
FIRST_PORT = 20_000
# No address of this device: the kernel drops the packets where it would answer them.
NOBODY = bytes.fromhex("020000000001")
IPV4, TCP_HEADER, IP_HEADER = 0x0800, 20, 20
PUSH_ACK = 0x5018
LOOPBACK = socket.inet_aton("127.0.0.1")


def write_packets(path: Path, load: Load, port: int) -> None:
    """Write the messages of a load as TCP packets to a port, at their times."""
    sent = [0] * load.connections
    with path.open("wb") as file:
        file.write(struct.pack("<IHHiIII", NANOSECOND_PCAP, 2, 4, 0, 0, 65_535, ETHERNET))
        for number in range(load.sends):
            connection = number % load.connections
            data = Frame(Opcode.TEXT, payload(number)).serialize(mask=True)
            packet = _packet(FIRST_PORT + connection, port, 1 + sent[connection], data)
            sent[connection] += len(data)
            seconds, nanoseconds = divmod(load.offset_ns(number), 1_000_000_000)
            file.write(struct.pack("<IIII", seconds, nanoseconds, len(packet), len(packet)))
            file.write(packet)


def _packet(source: int, port: int, sequence: int, data: bytes) -> bytes:
    tcp = struct.pack("!HHIIHHHH", source, port, sequence, 1, PUSH_ACK, 65_535, 0, 0)
    length = IP_HEADER + TCP_HEADER + len(data)
    ip = struct.pack("!HHHHBBH", 0x4500, length, 0, 0x4000, 64, socket.IPPROTO_TCP, 0)
    ethernet = NOBODY + bytes(6) + struct.pack("!H", IPV4)
    return ethernet + ip + LOOPBACK + LOOPBACK + tcp + data
