"""A client on bare sockets: on each connection one message goes there and back, again and again."""

from __future__ import annotations

import select
import socket
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

WARM_UP_S = 0.1
PATIENCE_S = 15


@dataclass(frozen=True, slots=True)
class Load:
    """So many connections, each with one message of a size on its way."""

    name: str
    connections: int
    size_bytes: int
    is_bulk: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """What one measurement gave: every round trip, and how long all took."""

    round_trips_ns: list[int]
    seconds: float
    load: Load

    def percentile_us(self, percent: int) -> float:
        """Return a percentile of the round trips."""
        return statistics.quantiles(self.round_trips_ns, n=100)[percent - 1] / 1e3

    @property
    def mbytes_per_s(self) -> float:
        """Return what went there and came back; counted once."""
        return len(self.round_trips_ns) * self.load.size_bytes / self.seconds / 1e6


class _Connection:
    def __init__(self, port: int, size_bytes: int) -> None:
        self.sock = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        self.message = memoryview(bytes(size_bytes))
        self.begin()

    def begin(self) -> None:
        self.began_ns = time.perf_counter_ns()
        self.unsent = self.message
        self.owed_bytes = len(self.message)
        self.send()

    def send(self) -> None:
        try:
            self.unsent = self.unsent[self.sock.send(self.unsent) :]
        except BlockingIOError:
            return


def measured(port: int, load: Load, seconds: float) -> Sample:
    """Keep messages on their way for a time; the warm-up is not counted."""
    round_trips_ns: list[int] = []
    with _connected(port, load) as (poller, connections):
        counts_from = time.perf_counter() + WARM_UP_S
        ends = counts_from + seconds
        while (now := time.perf_counter()) < ends:
            for descriptor, event in poller.poll(1):
                took_ns = _turn(poller, connections[descriptor], event)
                if took_ns is not None and now >= counts_from:
                    round_trips_ns.append(took_ns)
    return Sample(round_trips_ns, now - counts_from, load)


@contextmanager
def _connected(port: int, load: Load) -> Iterator[tuple[select.epoll, dict[int, _Connection]]]:
    connections = [_Connection(port, load.size_bytes) for _ in range(load.connections)]
    with select.epoll() as poller:
        for each in connections:
            poller.register(each.sock, _wanted(each))
        yield poller, {each.sock.fileno(): each for each in connections}
    for each in connections:
        each.sock.close()


def _turn(poller: select.epoll, connection: _Connection, event: int) -> int | None:
    """Do what a connection is ready for; return how long its message took, if it is back."""
    took_ns = None
    if event & select.EPOLLOUT:
        connection.send()
    if event & select.EPOLLIN:
        got = len(connection.sock.recv(1 << 18))
        if got == 0:
            raise RuntimeError("the connection was closed")
        connection.owed_bytes -= got
        if connection.owed_bytes == 0:
            took_ns = time.perf_counter_ns() - connection.began_ns
            connection.begin()
    poller.modify(connection.sock, _wanted(connection))
    return took_ns


def _wanted(connection: _Connection) -> int:
    return select.EPOLLIN | (select.EPOLLOUT if connection.unsent else 0)
