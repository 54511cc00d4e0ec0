"""A real `deadheat capture proxy` process, and raw TCP at both ends of it."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
from pathlib import Path
from types import TracebackType

from capture.format.model import Capture
from capture.format.reader import read_capture
from tests.unit.capture.wire import REQUEST, RESPONSE

ROOT = Path(__file__).parents[3]
PATIENCE_S = 20


def deadheat(*arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "deadheat", *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


class Proxy:
    """A recording proxy in front of `upstream`; leaving the context ends it cleanly."""

    def __init__(self, upstream: str, out: Path, *arguments: object) -> None:
        self.out = out
        command = ["capture", "proxy", "--upstream", upstream, "--out", out, *arguments]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "deadheat", *map(str, command)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        assert ready["ready"] is True
        self.url: str = ready["listen"]
        host, _, port = self.url.removeprefix("ws://").rpartition(":")
        self.address = (host, int(port))

    def __enter__(self) -> Proxy:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate(timeout=PATIENCE_S)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, str]:
        """End it; return its exit status and what it said on standard error."""
        self.process.send_signal(how)
        _, said = self.process.communicate(timeout=PATIENCE_S)
        return self.process.returncode, said

    def capture(self) -> Capture:
        """End it well and read what it recorded."""
        status, said = self.stop()
        assert status == 0, said
        capture = read_capture(self.out)
        assert capture.problem == ""
        return capture

    def memory_bytes(self) -> int:
        """Return the resident memory of the process."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")


class Upstream:
    """A listening socket, to be the server behind the proxy."""

    def __init__(self, *, receive_buffer: int | None = None) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(PATIENCE_S)
        self.port: int = self.socket.getsockname()[1]
        self.url = f"ws://127.0.0.1:{self.port}"

    def accept(self) -> socket.socket:
        """Return the next connection."""
        connection, _ = self.socket.accept()
        connection.settimeout(PATIENCE_S)
        return connection

    def __enter__(self) -> Upstream:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def dial(proxy: Proxy, *, send_buffer: int | None = None) -> socket.socket:
    """Connect to the proxy."""
    client = socket.socket()
    if send_buffer is not None:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, send_buffer)
    client.settimeout(PATIENCE_S)
    client.connect(proxy.address)
    return client


def opened(
    proxy: Proxy, upstream: Upstream, *, request: bytes = REQUEST, response: bytes = RESPONSE
) -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection through the proxy, its handshake done."""
    client = dial(proxy)
    client.sendall(request)
    server = upstream.accept()
    read_head(server)
    server.sendall(response)
    assert read_head(client) == response
    return client, server


def read_head(connection: socket.socket) -> bytes:
    """Read up to and including a blank line, and nothing after it."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(1)
        assert piece, head
        head += piece
    return head


def read_all(connection: socket.socket) -> bytes:
    """Read to the end of what the other side sends."""
    pieces = []
    while piece := connection.recv(65536):
        pieces.append(piece)
    return b"".join(pieces)


def read_exactly(connection: socket.socket, size: int) -> bytes:
    """Read `size` bytes."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 65536))
        assert piece, f"{len(data)} of {size} bytes came"
        data += piece
    return bytes(data)


def reset(connection: socket.socket) -> None:
    """Close with a TCP reset."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()
