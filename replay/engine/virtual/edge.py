"""What stands before an application of this process: it holds connections, refuses and cuts them.

Clients talk to it, and it to the application, byte by byte. Before the 101 it says what is wrong by
a status of HTTP; after it, it can only end the connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from functools import partial
from typing import cast

from replay.engine.virtual.edge_limits import EdgeLimits

END_OF_HEAD = b"\r\n\r\n"
REASONS = {429: "Too Many Requests", 502: "Bad Gateway", 504: "Gateway Timeout"}
TIMED_OUT = "upstream request timeout"
FULL = "The request was aborted because there was no available instance."
LOST = "upstream connect error or disconnect/reset before headers"

BOTH = 2

# Connects the given protocol to the application.
ConnectServer = Callable[[asyncio.Protocol], None]


class Edge:
    """The edge for the time of one run."""

    def __init__(self, limits: EdgeLimits, connect_server: ConnectServer) -> None:
        self.limits = limits
        self.connect_server = connect_server
        self._waiting: list[_Request] = []
        self._routed: set[_Request] = set()

    def new_client(self) -> asyncio.Protocol:
        """Return the edge's end of one more connection."""
        return _ClientSide(_Request(self))

    def wants_place(self, request: _Request) -> None:
        """Send a request on, or have it wait until there is room."""
        self._waiting.append(request)
        self.place()

    def place(self) -> None:
        """Send on those that wait, the first first, as far as there is room."""
        most = self.limits.concurrency
        while self._waiting and (most is None or len(self._routed) < most):
            request = self._waiting.pop(0)
            self._routed.add(request)
            request.routed()

    def over(self, request: _Request) -> None:
        """Forget a request; another may have its place."""
        if request in self._waiting:
            self._waiting.remove(request)
        self._routed.discard(request)
        self.place()


class _Stage(Enum):
    HEAD = auto()
    HELD = auto()
    ROUTED = auto()
    TUNNEL = auto()
    OVER = auto()


class _Request:
    """One connection of a client: a request for as long as it lasts."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._stage = _Stage.HEAD
        self._client: asyncio.Transport | None = None
        self._server: asyncio.Transport | None = None
        self._held = b""
        self._answered = b""
        self._ended = 0
        self._timers: list[asyncio.TimerHandle] = []
        self._idle: asyncio.TimerHandle | None = None

    def client_made(self, client: asyncio.Transport) -> None:
        """Have a client."""
        self._client = client

    def server_made(self, server: asyncio.Transport) -> None:
        """Have the application, which hears what the client said so far."""
        self._server = server
        server.write(self._held)
        self._held = b""

    def from_client(self, data: bytes) -> None:
        """Take bytes of the client."""
        self._heard()
        if self._server is not None:
            self._server.write(data)
            return
        is_first = not self._held
        self._held += data
        limits = self._edge.limits
        if is_first:
            self._after(limits.request_timeout_s, self._time_out)
            self._after(limits.handshake_timeout_s, self._time_out_before_answer)
        if self._stage is _Stage.HEAD and END_OF_HEAD in self._held:
            self._stage = _Stage.HELD
            if limits.handshake_delay_s:
                self._after(limits.handshake_delay_s, self._want_place)
            else:
                self._want_place()

    def routed(self) -> None:
        """Go to the application, which has room."""
        self._stage = _Stage.ROUTED
        self._edge.connect_server(_ServerSide(self))

    def from_server(self, data: bytes) -> None:
        """Take bytes of the application; its first head is the answer."""
        self._heard()
        if self._stage is _Stage.ROUTED:
            self._answered += data
            if END_OF_HEAD in self._answered:
                self._stage = _Stage.TUNNEL
                self._heard()
        if self._client is not None:
            self._client.write(data)

    def half_ended(self, *, by_client: bool) -> None:
        """Pass on that a side has nothing more to say."""
        other = self._server if by_client else self._client
        self._ended += 1
        if self._is_unanswered and not by_client:
            self._refuse(502, LOST)
        elif other is None or self._stage is not _Stage.TUNNEL or self._ended == BOTH:
            self._end()
        else:
            other.write_eof()

    def lost(self, error: Exception | None, *, by_client: bool) -> None:
        """End the other side as the one ended."""
        if self._is_unanswered and not by_client:
            self._refuse(502, LOST)
        else:
            self._end(resets=error is not None)

    @property
    def _is_unanswered(self) -> bool:
        return self._stage is _Stage.ROUTED and not self._answered

    def slowed(self, *, by_client: bool, is_slow: bool) -> None:
        """Read no more from one side than the other takes."""
        source = self._server if by_client else self._client
        if source is not None and not source.is_closing():
            (source.pause_reading if is_slow else source.resume_reading)()

    def _want_place(self) -> None:
        if self._stage is _Stage.HELD:
            self._after(self._edge.limits.queue_s, self._turn_away)
            self._edge.wants_place(self)

    def _turn_away(self) -> None:
        if self._stage is _Stage.HELD:
            self._refuse(429, FULL)

    def _time_out_before_answer(self) -> None:
        if self._stage is not _Stage.TUNNEL:
            self._refuse(504, TIMED_OUT)

    def _time_out(self) -> None:
        self._time_out_before_answer()
        self._end(resets=self._edge.limits.cut == "rst")

    def _heard(self) -> None:
        """Begin to count the idle time anew."""
        if self._edge.limits.idle_connection_s is None or self._stage is not _Stage.TUNNEL:
            return
        if self._idle is not None:
            self._idle.cancel()
        cut = partial(self._end, resets=self._edge.limits.cut == "rst")
        self._idle = self._after(self._edge.limits.idle_connection_s, cut)

    def _refuse(self, status: int, text: str) -> None:
        if self._client is not None:
            head = (
                f"HTTP/1.1 {status} {REASONS[status]}\r\ncontent-type: text/plain\r\n"
                f"content-length: {len(text)}\r\nconnection: close\r\n\r\n"
            )
            self._client.write(head.encode() + text.encode())
        self._end()

    def _end(self, *, resets: bool = False) -> None:
        """End both sides, and be over."""
        if self._stage is _Stage.OVER:
            return
        self._stage = _Stage.OVER
        for timer in self._timers:
            timer.cancel()
        for side in (self._client, self._server):
            if side is not None and resets:
                # As with SO_LINGER 0.
                side.resets = True  # type: ignore[attr-defined]
                side.abort()
            elif side is not None:
                side.close()
        self._edge.over(self)

    def _after(self, delay_s: float | None, act: Callable[[], None]) -> asyncio.TimerHandle | None:
        if delay_s is None:
            return None
        timer = asyncio.get_running_loop().call_later(delay_s, act)
        self._timers.append(timer)
        return timer


class _Side(asyncio.Protocol):
    """The edge's end of a connection on one of its sides."""

    is_clients: bool

    def __init__(self, request: _Request) -> None:
        self._request = request

    def eof_received(self) -> bool:
        """Leave the other half open."""
        self._request.half_ended(by_client=self.is_clients)
        return True

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone."""
        self._request.lost(error, by_client=self.is_clients)

    def pause_writing(self) -> None:
        """What is written does not go away."""
        self._request.slowed(by_client=self.is_clients, is_slow=True)

    def resume_writing(self) -> None:
        """It does again."""
        self._request.slowed(by_client=self.is_clients, is_slow=False)


class _ClientSide(_Side):
    """Towards the client."""

    is_clients = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there."""
        self._request.client_made(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        """It says something."""
        self._request.from_client(data)


class _ServerSide(_Side):
    """Towards the application."""

    is_clients = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The application is there."""
        self._request.server_made(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        """It says something."""
        self._request.from_server(data)
