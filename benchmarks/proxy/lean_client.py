"""A client on bare sockets and ready-made frames, so that little of the time is its own."""

from __future__ import annotations

import base64
import select
import socket
import time
from collections.abc import Callable

from benchmarks.proxy.loads import Load, frame
from benchmarks.proxy.sample import Sample

PATIENCE_S = 15


class _Connection:
    """One connection: what it still has to send, and how much of the next echo came."""

    def __init__(self, port: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.sendall(
            b"GET /echo HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\n"
            b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: %b\r\n\r\n"
            % (port, base64.b64encode(b"photo finish 123"))
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            got = self.sock.recv(1)
            if not got:
                raise RuntimeError(f"closed before the handshake was over: {answer!r}")
            answer += got
        if b" 101 " not in answer:
            raise RuntimeError(f"expected 101, got {answer!r}")
        self.sock.setblocking(False)
        self.owed = memoryview(b"")
        self.partial = 0
        self.blocked = False
        self.sent_at_ns = 0


class LeanClient:
    """Keeps `in_flight` messages on their way on each connection, for a time."""

    def __init__(self, port: int, load: Load) -> None:
        text = load.text
        self.load = load
        self.frames = frame(text, masked=True) * load.in_flight
        self.frame_length = len(self.frames) // load.in_flight
        self.echo_length = len(frame(text, masked=False))
        self.poller = select.epoll()
        self.connections: dict[int, _Connection] = {}
        for _ in range(load.connections):
            connection = _Connection(port)
            self.connections[connection.sock.fileno()] = connection
            self.poller.register(connection.sock, select.EPOLLIN)

    def measure(self, warm_up_s: float, seconds: float, drained: Callable[[], None]) -> Sample:
        """Return what was echoed; call `drained` once all is, before the connections close."""
        sample = Sample()
        for connection in self.connections.values():
            self._send(connection, self.load.in_flight, sample)
        begin = time.perf_counter()
        self._pump(begin + warm_up_s, sample, counts=False)
        begin = time.perf_counter()
        self._pump(begin + seconds, sample, counts=True)
        sample.seconds = time.perf_counter() - begin
        self._drain(sample)
        drained()
        for connection in self.connections.values():
            connection.sock.close()
        self.poller.close()
        return sample

    def _pump(self, until: float, sample: Sample, *, counts: bool) -> None:
        while time.perf_counter() < until:
            echoed = self._turn(sample, answers=True, timed=counts and self.load.is_latency)
            if counts:
                sample.messages += echoed

    def _drain(self, sample: Sample) -> None:
        outstanding = self.load.connections * self.load.in_flight
        give_up = time.perf_counter() + PATIENCE_S
        while outstanding and time.perf_counter() < give_up:
            outstanding -= self._turn(sample, answers=False, timed=False)
        if outstanding:
            raise RuntimeError(f"{outstanding} of {sample.sent} messages were not echoed")

    def _turn(self, sample: Sample, *, answers: bool, timed: bool) -> int:
        """Handle what is ready; return how many echoes came."""
        echoed = 0
        for descriptor, event in self.poller.poll(1):
            connection = self.connections[descriptor]
            if event & select.EPOLLOUT:
                self._push(connection)
            if not event & ~select.EPOLLOUT:
                continue
            got = len(connection.sock.recv(1 << 18))
            if not got:
                raise RuntimeError("the connection was closed")
            count, connection.partial = divmod(connection.partial + got, self.echo_length)
            if count:
                echoed += count
                if timed:
                    sample.latencies_ns.append(time.perf_counter_ns() - connection.sent_at_ns)
                if answers:
                    self._send(connection, count, sample)
        return echoed

    def _send(self, connection: _Connection, count: int, sample: Sample) -> None:
        sample.sent += count
        ready = memoryview(self.frames)[: count * self.frame_length]
        if connection.owed:
            connection.owed = memoryview(bytes(connection.owed) + ready)
            return
        connection.owed = ready
        connection.sent_at_ns = time.perf_counter_ns()
        self._push(connection)

    def _push(self, connection: _Connection) -> None:
        while connection.owed:
            try:
                connection.owed = connection.owed[connection.sock.send(connection.owed) :]
            except BlockingIOError:
                if not connection.blocked:
                    connection.blocked = True
                    self.poller.modify(connection.sock, select.EPOLLIN | select.EPOLLOUT)
                return
        if connection.blocked:
            connection.blocked = False
            self.poller.modify(connection.sock, select.EPOLLIN)
