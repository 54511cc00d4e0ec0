"""The server of all contestants: bare sockets, one thread, nothing else in its process.

`python -m benchmarks.lateness.receiver CONNECTIONS [--answers]` prints its port, and once as many
connections as asked for have come and gone, a line of JSON with the CLOCK_MONOTONIC time at which
it read each message, by its number. With `--answers` each message is answered by its number.
"""

from __future__ import annotations

import argparse
import json
import selectors
import socket
import time
from contextlib import suppress
from dataclasses import dataclass, field

from websockets.utils import accept_key

from benchmarks.lateness.frames import CLOSE, FRAME, TEXT, numbers
from benchmarks.lateness.load import DIGITS, payload
from replay.engine.sockets import allow_sockets

CLOSE_ANSWER = bytes([CLOSE, 0])
END_OF_HEAD = b"\r\n\r\n"


@dataclass
class Peer:
    """One connection, and what of it is not read yet."""

    sock: socket.socket
    pending: bytes = b""
    is_open: bool = False


@dataclass
class Receiver:
    """Serves, and notes when what came."""

    answers: bool
    at_ns: dict[int, int] = field(default_factory=dict)

    def take(self, peer: Peer, at_ns: int) -> bool:
        """Look at what came; return whether the connection goes on."""
        if not peer.is_open:
            head, end, rest = peer.pending.partition(END_OF_HEAD)
            if not end:
                return True
            peer.sock.sendall(_accepted(head))
            peer.pending, peer.is_open = rest, True
        whole = 0
        for number in numbers(peer.pending):
            self.at_ns[number] = at_ns
            whole += FRAME
            if self.answers:
                peer.sock.sendall(bytes([TEXT, DIGITS]) + payload(number))
        peer.pending = peer.pending[whole:]
        if peer.pending[:1] != bytes([CLOSE]):
            return True
        with suppress(OSError):
            peer.sock.sendall(CLOSE_ANSWER)
        return False

    def serve(self, connections: int) -> None:
        """Serve until all connections ended."""
        allow_sockets(connections)
        left = connections
        with (
            selectors.DefaultSelector() as selector,
            socket.create_server(("127.0.0.1", 0), backlog=4096) as listening,
        ):
            selector.register(listening, selectors.EVENT_READ)
            print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
            while left:
                for key, _ in selector.select():
                    if key.data is None:
                        sock, _ = listening.accept()
                        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                        selector.register(sock, selectors.EVENT_READ, Peer(sock))
                    elif not self._read(key.data):
                        selector.unregister(key.data.sock)
                        key.data.sock.close()
                        left -= 1

    def _read(self, peer: Peer) -> bool:
        try:
            data = peer.sock.recv(65_536)
        except ConnectionError:
            return False
        at_ns = time.monotonic_ns()
        peer.pending += data
        return bool(data) and self.take(peer, at_ns)


def _accepted(head: bytes) -> bytes:
    lines = (line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    headers = {name.lower(): value for name, value in lines}
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {accept_key(headers['sec-websocket-key'])}\r\n\r\n"
    ).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("connections", type=int)
    parser.add_argument("--answers", action="store_true")
    options = parser.parse_args()
    receiver = Receiver(options.answers)
    receiver.serve(options.connections)
    print(json.dumps({"at_ns": receiver.at_ns}), flush=True)


if __name__ == "__main__":
    main()
