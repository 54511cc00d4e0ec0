"""Stamps each message as it passes the loopback device, so that no receiver's waking up counts.

The kernel stamps a packet while the sender's own system call hands it to the device; this process
reads the stamps a while later and takes next to no time from anybody. It needs a raw socket, which
Linux gives to root or CAP_NET_RAW. `python -m benchmarks.lateness.wire PORT` says on a line when it
listens, and once its standard input ends, prints a line of JSON with the CLOCK_MONOTONIC time of
each message by its number.
"""

from __future__ import annotations

import ctypes
import json
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field

from benchmarks.lateness.frames import numbers

ETH_P_ALL = 3
SOL_PACKET, PACKET_STATISTICS, PACKET_IGNORE_OUTGOING = 263, 6, 23
SO_ATTACH_FILTER, SO_RCVBUFFORCE, SO_TIMESTAMPNS = 26, 33, 35
RING_BYTES = 32 * 1024 * 1024
ETHERNET = 14
READ_EVERY_S = 0.05


@dataclass
class Stamps:
    """What was seen: times of CLOCK_REALTIME, as the kernel stamps by that one."""

    at_ns: dict[int, int] = field(default_factory=dict)
    packets: int = 0

    def take(self, packet: bytes, at_ns: int) -> None:
        """Note the messages in a TCP segment; the first time counts."""
        network = packet[ETHERNET:]
        segment = network[(network[0] & 15) * 4 : int.from_bytes(network[2:4], "big")]
        for number in numbers(segment[(segment[12] >> 4) * 4 :]):
            self.at_ns.setdefault(number, at_ns)
        self.packets += 1


def listening(port: int) -> socket.socket:
    """Return a socket that gets what goes to a TCP port over loopback. Raises PermissionError."""
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    _attach(sock, _to_port(port))
    sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, RING_BYTES)
    sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.setblocking(False)
    sock.bind(("lo", ETH_P_ALL))
    return sock


def read(sock: socket.socket, stamps: Stamps) -> None:
    """Take what was stamped so far."""
    while True:
        try:
            packet, ancillary, _, _ = sock.recvmsg(65_536, 64)
        except BlockingIOError:
            return
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2])
        stamps.take(packet, seconds * 1_000_000_000 + nanoseconds)


def dropped(sock: socket.socket) -> int:
    """Return how many packets there was no room for."""
    return int(struct.unpack("II", sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1])


def clock_offset_ns() -> int:
    """Return CLOCK_REALTIME minus CLOCK_MONOTONIC, from the closest of several readings."""
    readings = []
    for _ in range(50):
        before_ns = time.monotonic_ns()
        real_ns = time.time_ns()
        after_ns = time.monotonic_ns()
        readings.append((after_ns - before_ns, real_ns - (before_ns + after_ns) // 2))
    return min(readings)[1]


def is_allowed() -> bool:
    """Whether this process may open a raw socket."""
    try:
        listening(1).close()
    except (AttributeError, OSError):
        return False
    return True


def _to_port(port: int) -> list[tuple[int, int, int, int]]:
    """Return a classic BPF program: Ethernet, IPv4, TCP, to that port."""
    return [
        (0x28, 0, 0, 12),  # the kind of packet
        (0x15, 0, 6, 0x0800),
        (0x30, 0, 0, 23),  # the protocol
        (0x15, 0, 4, socket.IPPROTO_TCP),
        (0xB1, 0, 0, ETHERNET),  # past the header
        (0x48, 0, 0, ETHERNET + 2),
        (0x15, 0, 1, port),
        (0x06, 0, 0, 65_536),
        (0x06, 0, 0, 0),
    ]


def _attach(sock: socket.socket, program: list[tuple[int, int, int, int]]) -> None:
    code = b"".join(struct.pack("HBBI", *each) for each in program)
    held = ctypes.create_string_buffer(code)
    sock.setsockopt(
        socket.SOL_SOCKET,
        SO_ATTACH_FILTER,
        struct.pack("HL", len(program), ctypes.addressof(held)),
    )


def main() -> None:
    stamps = Stamps()
    with listening(int(sys.argv[1])) as sock, selectors.DefaultSelector() as until:
        until.register(sys.stdin, selectors.EVENT_READ)
        began_ns, offset_ns = time.time_ns(), clock_offset_ns()
        print(json.dumps({"listening": True}), flush=True)
        while not until.select(READ_EVERY_S):
            read(sock, stamps)
        read(sock, stamps)
        lasted_ns, change_ns = time.time_ns() - began_ns, clock_offset_ns() - offset_ns
        lost = dropped(sock)
    # The two clocks run apart evenly, as far as this can tell.
    at_ns = {
        number: real_ns - offset_ns - change_ns * (real_ns - began_ns) // lasted_ns
        for number, real_ns in stamps.at_ns.items()
    }
    told = {"at_ns": at_ns, "dropped": lost, "clocks_apart_ns": change_ns}
    print(json.dumps(told), flush=True)


if __name__ == "__main__":
    main()
