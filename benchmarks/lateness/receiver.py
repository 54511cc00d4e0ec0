"""Stamps when each message arrives: bare sockets, one thread, nothing else in its process.

It prints its port, and once as many connections as asked for have come and gone, a line of JSON
with the CLOCK_MONOTONIC time of each message by its number.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from contextlib import suppress
from dataclasses import dataclass

from websockets.utils import accept_key

DIGITS = 9
HEADER, MASK = 2, 4
FRAME = HEADER + MASK + DIGITS
CLOSE = 0x88
CLOSE_ANSWER = bytes([CLOSE, 0])


@dataclass
class Peer:
    """One connection, and what of it is not read yet."""

    sock: socket.socket
    pending: bytes = b""
    is_open: bool = False


def take(peer: Peer, at_ns: int, stamps: dict[int, int]) -> bool:
    """Read what came; return whether the connection goes on."""
    if not peer.is_open:
        head, end, rest = peer.pending.partition(b"\r\n\r\n")
        if not end:
            return True
        lines = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        answer = (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {accept_key(lines['Sec-WebSocket-Key'])}\r\n\r\n"
        )
        peer.sock.sendall(answer.encode())
        peer.pending, peer.is_open = rest, True
    while len(peer.pending) >= HEADER and peer.pending[0] != CLOSE:
        if len(peer.pending) < FRAME:
            return True
        mask, masked = peer.pending[HEADER : HEADER + MASK], peer.pending[HEADER + MASK : FRAME]
        number = int(bytes(byte ^ mask[at % MASK] for at, byte in enumerate(masked)))
        stamps[number] = at_ns
        peer.pending = peer.pending[FRAME:]
    if peer.pending:
        with suppress(OSError):
            peer.sock.sendall(CLOSE_ANSWER)
    return not peer.pending


def receive(connections: int) -> dict[int, int]:
    """Serve until all connections ended; return the stamps."""
    stamps: dict[int, int] = {}
    left = connections
    with (
        selectors.DefaultSelector() as selector,
        socket.create_server(("127.0.0.1", 0), backlog=64) as listening,
    ):
        selector.register(listening, selectors.EVENT_READ)
        print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
        while left:
            for key, _ in selector.select():
                if key.data is None:
                    sock, _ = listening.accept()
                    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    selector.register(sock, selectors.EVENT_READ, Peer(sock))
                    continue
                data = key.data.sock.recv(65_536)
                at_ns = time.monotonic_ns()
                key.data.pending += data
                if not data or not take(key.data, at_ns, stamps):
                    selector.unregister(key.data.sock)
                    key.data.sock.close()
                    left -= 1
    return stamps


if __name__ == "__main__":
    print(json.dumps(receive(int(sys.argv[1]))), flush=True)
