"""The relay: bytes go on as they came, in the callback they came in; a copy goes to the queue.

Only the request head is touched, to address it to the upstream. Half-closes stay half-closes,
resets stay resets, and a slow reader on one side stops the reading on the other.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable

from capture.clock import NowNs
from capture.format.model import CloseHow, Direction, Side
from capture.http_head import END_OF_HEAD, MAX_HEAD_BYTES, Head, parse_head
from capture.proxy.copy_queue import CopyQueue
from capture.proxy.upstream import Upstream
from capture.recorder import ConnectionRecorder, Recorder

WRITE_EVERY_S = 0.01
# Decoding at once would hold up the end that was just woken, and take more of the processor.
DECODE_AFTER_S = 0.005
DECODE_SLICE_NS = 100_000
REFUSAL_LINGERS_S = 1.0
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class RecordingProxy:
    """Accepts clients, relays them to the upstream, and records what passes."""

    def __init__(
        self,
        upstream: Upstream,
        tls: ssl.SSLContext | None,
        recorder: Recorder,
        copy: CopyQueue,
        now_ns: NowNs,
    ) -> None:
        self.upstream = upstream
        self.recorder = recorder
        self.copy = copy
        self.now_ns = now_ns
        self.tls = tls
        self.relays: set[Relay] = set()
        self.loop = asyncio.get_running_loop()
        self._timer = self.loop.call_later(WRITE_EVERY_S, self._write)
        self._decoding = False

    def accept(self) -> asyncio.Protocol:
        """Return the client side of a new relay."""
        return Relay(self).client

    def stop(self) -> None:
        """End the open connections, and write what is queued."""
        self._timer.cancel()
        for relay in tuple(self.relays):
            relay.stop()
        self.copy.flush()

    def record(self, at_ns: int, size: int, act: Callable[..., None], *arguments: object) -> None:
        """Queue `act(*arguments)`, to be decoded with what comes in the next milliseconds."""
        self.copy.add(at_ns, size, act, *arguments)
        if not self._decoding:
            self._decoding = True
            self.loop.call_later(DECODE_AFTER_S, self._decode)

    def _decode(self) -> None:
        self._decoding = not self.copy.drain(DECODE_SLICE_NS)
        if self._decoding:
            self.loop.call_soon(self._decode)

    def _write(self) -> None:
        self.copy.write()
        self._timer = self.loop.call_later(WRITE_EVERY_S, self._write)


class Relay:
    """One client, its connection to the upstream, and the copy of what passes."""

    def __init__(self, proxy: RecordingProxy) -> None:
        self.proxy = proxy
        self.client = _Half(self, Side.CLIENT)
        self.server = _Half(self, Side.SERVER)
        self.connected_at_ns = 0
        self.head: bytes | None = b""
        self.record: ConnectionRecorder | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._early: list[tuple[bytes, int]] = []
        self._refused = False

    def opened(self) -> None:
        """Connect to the upstream; what the client sends meanwhile waits."""
        self.proxy.relays.add(self)
        self.connected_at_ns = self.proxy.now_ns()
        self._connecting = self.proxy.loop.create_task(self._connect())

    async def _connect(self) -> None:
        proxy = self.proxy
        try:
            await proxy.loop.create_connection(
                lambda: self.server, proxy.upstream.host, proxy.upstream.port, ssl=proxy.tls
            )
        except (OSError, UnicodeError) as error:
            reason = f"cannot reach {proxy.upstream.origin}: {error}"
            proxy.record(proxy.now_ns(), 0, proxy.recorder.note, proxy.now_ns(), reason)
            self._refuse(reason)
            return
        if self.client.transport.is_closing():
            self.server.transport.abort()
            return
        self._connected()

    def _refuse(self, reason: str) -> None:
        """Answer in the place of the upstream, and end when the client has read that."""
        self._refused = True
        body = f"deadheat: {reason}\n".encode()
        head = f"HTTP/1.1 502 Bad Gateway\r\nConnection: close\r\nContent-Length: {len(body)}"
        client = self.client.transport
        if client.is_closing():
            return
        client.write(head.encode() + END_OF_HEAD + body)
        # Closed with its request unread, TCP would reset and the answer could be lost.
        client.write_eof()
        client.resume_reading()
        self.proxy.loop.call_later(REFUSAL_LINGERS_S, client.close)

    def _connected(self) -> None:
        """Pass on what the client did while the upstream was being connected."""
        self.client.transport.resume_reading()
        for data, at_ns in self._early:
            self._head(data, at_ns)
        self._early.clear()
        if self.client.ended and not self.ended(self.client):
            self.client.transport.close()

    def data(self, half: _Half, data: bytes) -> None:
        """Pass bytes on to the other half, and a copy to the recorder."""
        at_ns = self.proxy.now_ns()
        if half is self.client:
            if self._refused:
                return
            if self.server.transport is None:
                # uvloop ignores a pause before the first read, so it is here that reading stops.
                self._early.append((data, at_ns))
                self.client.transport.pause_reading()
                return
            if self.head is not None:
                self._head(data, at_ns)
                return
            self.server.transport.write(data)
        else:
            self.client.transport.write(data)
        if self.record is not None:
            received = self.record.received
            self.proxy.record(at_ns, len(data), received, half.direction, data, at_ns)

    def _head(self, data: bytes, at_ns: int) -> None:
        """Collect the request head, put the upstream's name into it, and pass it on."""
        pending = (self.head or b"") + data
        raw, end, rest = pending.partition(END_OF_HEAD)
        if not end and len(pending) <= MAX_HEAD_BYTES:
            self.head = pending
            return
        self.head = None
        if not end:
            self._note(at_ns, "relayed bytes that are no HTTP, not recorded")
            self.server.transport.write(pending)
            return
        head = self._addressed(parse_head(raw))
        if head.asks_for_websocket:
            upstream = self.proxy.upstream
            self.record = self.proxy.recorder.connection(upstream.origin, self.connected_at_ns)
        else:
            path = head.target.partition("?")[0]
            self._note(at_ns, f"relayed plain HTTP to {path}, not recorded")
            # One request a connection, as only the first head of it is addressed.
            head = head.replacing("Connection", "close", add=True)
        self.server.transport.write(head.encode() + rest)
        if self.record is not None:
            size, received = len(pending), self.record.received
            arguments = (Direction.CLIENT_TO_SERVER, head.encode() + rest, at_ns)
            self.proxy.record(at_ns, size, received, *arguments)

    def _addressed(self, head: Head) -> Head:
        """Address a request to the upstream as its own clients would."""
        upstream = self.proxy.upstream
        asked = head.get("Host") or ""
        origin = head.get("Origin")
        if asked and origin is not None and origin.partition("://")[2] == asked:
            # A page that came through this proxy; an Origin of another site stays.
            head = head.replacing("Origin", upstream.http_origin)
        own_path = upstream.parts.path
        if head.asks_for_websocket and own_path not in ("", "/"):
            path, mark, query = head.target.partition("?")
            if path == "/":
                head = head.with_target(own_path + mark + query)
        return head.replacing("Host", upstream.authority)

    def ended(self, half: _Half) -> bool:
        """Pass on that a half will send no more; return whether to keep it open."""
        other = self.server if half is self.client else self.client
        if other.transport is None:
            return not self._refused
        self._closed(half, CloseHow.FIN)
        if half is self.client and self.head:
            # It left within its head; the server shall see as much of it.
            other.transport.write(self.head)
            self._note(self.proxy.now_ns(), "a client ended within its request, not recorded")
            self.head = None
        if other.ended or not other.transport.can_write_eof():
            # TLS knows no half-close: the whole connection ends.
            other.transport.close()
            return False
        other.transport.write_eof()
        return True

    def lost(self, half: _Half, error: Exception | None) -> None:
        """End the other half as this one ended: a reset stays a reset."""
        other = self.server if half is self.client else self.client
        if self._connecting is not None and half is self.client:
            self._connecting.cancel()
        if error is not None:
            how = CloseHow.TIMEOUT if isinstance(error, TimeoutError) else CloseHow.RESET
            self._closed(half, how)
            other.reset()
        elif other.transport is not None:
            other.transport.close()
        if all(each.transport is None or each.transport.is_closing() for each in self.halves):
            self.proxy.relays.discard(self)

    @property
    def halves(self) -> tuple[_Half, _Half]:
        """Both ends."""
        return self.client, self.server

    def stop(self) -> None:
        """End the connection because the recording ends."""
        if self.record is not None:
            at_ns = self.proxy.now_ns()
            self.proxy.record(at_ns, 0, self.record.finish)
            if not (self.client.ended and self.server.ended):
                self._note(at_ns, "the recording was stopped while this connection was open")
        for half in self.halves:
            if half.transport is not None:
                half.ended_how = CloseHow.RESET
                half.transport.abort()

    def _closed(self, half: _Half, how: CloseHow) -> None:
        # After its FIN a side may still reset; after a reset nothing comes any more.
        if half.ended_how is not None and (half.ended_how, how) != (CloseHow.FIN, CloseHow.RESET):
            return
        half.ended_how = how
        if self.record is not None:
            at_ns = self.proxy.now_ns()
            self.proxy.record(at_ns, 0, self.record.closed, half.side, how, at_ns)

    def _note(self, at_ns: int, text: str) -> None:
        note = self.record.note if self.record is not None else self.proxy.recorder.note
        self.proxy.record(at_ns, 0, note, at_ns, text)


class _Half(asyncio.Protocol):
    """One end of a relay: hands what happens to the relay."""

    transport: asyncio.Transport = None  # type: ignore[assignment]

    def __init__(self, relay: Relay, side: Side) -> None:
        self.relay = relay
        self.side = side
        self.direction = (
            Direction.CLIENT_TO_SERVER if side is Side.CLIENT else Direction.SERVER_TO_CLIENT
        )
        self.ended = False
        self.ended_how: CloseHow | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        if self.side is Side.CLIENT:
            self.relay.opened()

    def data_received(self, data: bytes) -> None:
        self.relay.data(self, data)

    def eof_received(self) -> bool:
        self.ended = True
        return self.relay.ended(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.relay.lost(self, exc)

    def pause_writing(self) -> None:
        other = self.relay.server if self is self.relay.client else self.relay.client
        if not other.transport.is_closing():
            other.transport.pause_reading()

    def resume_writing(self) -> None:
        other = self.relay.server if self is self.relay.client else self.relay.client
        if not other.transport.is_closing():
            other.transport.resume_reading()

    def reset(self) -> None:
        """End this end with a TCP reset."""
        if self.transport is None or self.transport.is_closing():
            return
        sock = self.transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        # It is the other side that reset, so nothing is recorded of this one.
        self.ended_how = CloseHow.RESET
        self.transport.abort()
