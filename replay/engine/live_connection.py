"""One connection of a live run: the client end of a WebSocket on a real socket.

The protocol is the sans-I/O one of the `websockets` library; it answers pings and closes. When to
open, send and end is decided elsewhere. Every byte, either way, goes to the recorder.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHeader, InvalidStatus, ProtocolError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import PONG, CloseCode, Frame, Opcode
from websockets.headers import parse_extension
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from capture.clock import NowNs
from capture.format.model import CloseHow, Direction, HeaderPairs, Side
from capture.recorder import ConnectionRecorder, Sent
from replay.engine.handshake import kept_headers, values_of
from replay.plan import After, End, Ending, Kind, Network, Open, Pieces, Send
from replay.target import Target

_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
# At DEBUG the library logs handshakes and messages, and with them fresh secrets.
_QUIET = logging.getLogger("replay.engine.websockets")
_QUIET.setLevel(logging.INFO)
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom the connection tells what happened, and when."""

    happened: Callable[[After, int], None]
    over: Callable[[str, int], None]
    heard: Callable[[str, bytes, bool, int], None]
    """A message: its connection and payload, whether it is text, when it came."""
    answered: Callable[[str, HeaderPairs], None]
    at: Callable[[int, Callable[[int], None]], None]
    """Has something done at a time; it is told that time."""
    soon: Callable[[Callable[[], None]], None]
    """Has something done in its turn, when no send is about to be due."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that go out `offset_ns` after the first ones of a step; others wait within a frame."""

    offset_ns: int
    data: bytes
    ends_frame: bool


class _Protocol(ClientProtocol):
    """The client's protocol, which hands its pongs over instead of sending them."""

    on_pong: Callable[[Frame], None]

    def send_frame(self, frame: Frame) -> None:
        """Send a frame, unless it is a pong."""
        if frame.opcode is PONG:
            self.on_pong(frame)
        else:
            super().send_frame(frame)

    def send_late_pong(self, frame: Frame) -> None:
        """Send a pong that was handed over."""
        super().send_frame(frame)


class LiveConnection(asyncio.Protocol):
    """Speaks one connection of a plan; times are nanoseconds since the run began."""

    def __init__(
        self,
        name: str,
        record: ConnectionRecorder,
        listener: Listener,
        now_ns: NowNs,
        network: Network,
    ) -> None:
        self.name = name
        self.record = record
        self.transport: asyncio.Transport | None = None
        self._listener = listener
        self._now_ns = now_ns
        self._network = network
        self._protocol: _Protocol | None = None
        self._held = bytearray()
        self._is_within_frame = False
        self._end_at_once: tuple[End, Sent] | None = None
        self._parts: list[Frame] = []
        self._is_open = False
        self._is_abandoned = False
        self._ended: set[Side] = set()

    @property
    def can_send(self) -> bool:
        """Whether a message may be sent now."""
        return self._protocol is not None and self._is_open and self._protocol.state is State.OPEN

    @property
    def can_write(self) -> bool:
        """Whether bytes may still be written."""
        transport = self.transport
        return (
            transport is not None and not transport.is_closing() and Side.CLIENT not in self._ended
        )

    @property
    def is_over(self) -> bool:
        """Whether TCP ended."""
        return len(self._ended) == len(Side)

    def upgrade_request(self, url: str, action: Open, target: Target) -> tuple[Piece, ...]:
        """Return the opening handshake; secrets are in `url` and the action's headers."""
        offered = values_of(action.headers, "Sec-WebSocket-Protocol")
        self._protocol = _Protocol(
            parse_uri(url),
            subprotocols=[Subprotocol(name) for name in offered] or None,
            extensions=_offered_deflate(action.headers),
            max_size=None,
            logger=_QUIET,
        )
        self._protocol.on_pong = self._answer_ping
        request = self._protocol.connect()
        kept = kept_headers(action.headers, action.url, target)
        for name in {name for name, _ in kept}:
            if name in request.headers:
                del request.headers[name]
        for name, value in kept:
            request.headers[name] = value
        self._protocol.send_request(request)
        return _in_segments(b"".join(self._protocol.data_to_send()), action.segments, 0)

    def encode(self, action: Send) -> tuple[Piece, ...]:
        """Return a message as the bytes to send; secrets are in its fragments."""
        payloads = [fragment.payload for fragment in action.fragments]
        if action.refragmented is not None:
            payloads = _parts(b"".join(payloads), action.refragmented.count)
        extensions = self._opened().extensions if action.compressed else []
        opcode = Opcode.TEXT if action.is_text else Opcode.BINARY
        pieces: list[Piece] = []
        for number, payload in enumerate(payloads):
            frame = Frame(opcode, payload, fin=number == len(payloads) - 1)
            data = frame.serialize(mask=True, extensions=extensions)
            pieces += _in_segments(data, action.segments, action.offsets_ns[number])
            opcode = Opcode.CONT
        return tuple(pieces)

    def send(self, piece: Piece, sent: Sent | None) -> int:
        """Write bytes now; return when. What else is to be said waits for the end of a frame."""
        at_ns = self._now_ns()
        if self.can_write and self.transport is not None:
            self.transport.write(piece.data)
            self._listener.soon(
                partial(self.record.received, Direction.CLIENT_TO_SERVER, piece.data, at_ns, sent)
            )
        self._is_within_frame = not piece.ends_frame
        if piece.ends_frame and self._held:
            held = Piece(0, bytes(self._held), ends_frame=True)
            self._held.clear()
            self.send(held, None)
        return at_ns

    def read(self, *, paused: bool) -> None:
        """Stop or go on reading what the server sends."""
        if self.transport is not None and not self.transport.is_closing():
            if paused:
                self.transport.pause_reading()
            else:
                self.transport.resume_reading()

    def end(self, action: End, sent: Sent) -> None:
        """End the connection in the way of the plan."""
        if self.transport is None:
            self._end_at_once = (action, sent)
            return
        if self.is_over:
            return
        match action.ending:
            case Ending.CLOSE if self.can_send:
                self._close(action, sent)
            case Ending.RESET:
                sock = self.transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                self._note_end(Side.CLIENT, CloseHow.RESET, self._now_ns(), sent)
                self.transport.abort()
            case Ending.HALF_CLOSE if self.transport.can_write_eof():
                self._note_end(Side.CLIENT, CloseHow.FIN, self._now_ns(), sent)
                self.transport.write_eof()
            case Ending.CLOSE | Ending.FIN | Ending.HALF_CLOSE:
                self._note_end(Side.CLIENT, CloseHow.FIN, self._now_ns(), sent)
                self.transport.close()
            case Ending.AWAIT:
                pass

    def say_goodbye(self) -> None:
        """Send a Close when the run ends before the connection does."""
        if self.can_send:
            self._opened().send_close(CloseCode.GOING_AWAY)
            self._flush(None)

    def abandon(self) -> None:
        """End a connection whose server does not, or will not be waited for any longer."""
        self._is_abandoned = True
        if self.transport is not None and not self.is_over:
            self._note_end(Side.CLIENT, CloseHow.TIMEOUT, self._now_ns())
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is established."""
        self.transport = transport  # type: ignore[assignment]
        if self._is_abandoned:
            self.abandon()
        elif self._end_at_once is not None:
            self.end(*self._end_at_once)

    def data_received(self, data: bytes) -> None:
        """Note when something came, and look at it in its turn."""
        at_ns = self._now_ns()
        rate = self._network.read_bytes_per_s
        if rate is not None:
            self.read(paused=True)
            self._listener.at(at_ns + len(data) * 10**9 // rate, lambda _: self.read(paused=False))
        self._listener.soon(partial(self._heard, data, at_ns))

    def eof_received(self) -> bool:
        """The server will send no more; the connection ends."""
        self._listener.soon(partial(self._heard_eof, self._now_ns()))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP ended."""
        self._listener.soon(partial(self._is_lost, exc, self._now_ns()))

    def _heard(self, data: bytes, at_ns: int) -> None:
        """Record what came, tell what it was, and answer what the protocol answers."""
        self.record.received(Direction.SERVER_TO_CLIENT, data, at_ns)
        protocol = self._protocol
        if protocol is None:
            return
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Response):
                self._listener.answered(self.name, tuple(event.headers.raw_items()))
                self._answered(at_ns)
            elif isinstance(event, Frame) and event.opcode in _DATA:
                self._received(event, at_ns)
        self._flush(None)
        if protocol.handshake_exc is not None and self.transport is not None:
            self.transport.close()

    def _heard_eof(self, at_ns: int) -> None:
        self._note_end(Side.SERVER, CloseHow.FIN, at_ns)
        if self._protocol is not None:
            self._protocol.receive_eof()

    def _is_lost(self, exc: Exception | None, at_ns: int) -> None:
        if exc is not None:
            self._note_end(Side.SERVER, CloseHow.RESET, at_ns)
        self._note_end(Side.CLIENT, CloseHow.FIN, at_ns)
        self._ended = set(Side)
        self._listener.over(self.name, at_ns)

    def _answered(self, at_ns: int) -> None:
        problem = self._opened().handshake_exc
        if problem is None:
            self._is_open = True
            self._listener.happened(After(Kind.OPEN, self.name), at_ns)
        elif not isinstance(problem, InvalidStatus):
            # A status other than 101 shows in the record; a 101 that is wrong would not.
            self.record.note(at_ns, f"the handshake failed: {problem}")

    def _received(self, frame: Frame, at_ns: int) -> None:
        """Tell of a message once it is whole."""
        self._parts.append(frame)
        if not frame.fin:
            return
        payload = b"".join(part.data for part in self._parts)
        is_text = self._parts[0].opcode is Opcode.TEXT
        self._parts.clear()
        self._listener.heard(self.name, payload, is_text, at_ns)

    def _close(self, action: End, sent: Sent) -> None:
        protocol = self._opened()
        try:
            protocol.send_close(action.code, action.reason)
        except ProtocolError:
            # A code that may not be sent, such as 1006, was not sent by the recorded client either.
            protocol.send_close()
        self._flush(sent)

    def _answer_ping(self, pong: Frame) -> None:
        """Send a pong when the network lets it through."""
        delay_ns = self._network.pong_delay_ns
        if delay_ns == 0:
            self._opened().send_late_pong(pong)
        elif delay_ns is not None:

            def answer(_: int) -> None:
                if self.can_send:
                    self._opened().send_late_pong(pong)
                    self._flush(None)

            self._listener.at(self._now_ns() + delay_ns, answer)

    def _flush(self, sent: Sent | None) -> None:
        """Send what the protocol has to say."""
        data = b"".join(self._opened().data_to_send())
        if data and self._is_within_frame:
            self._held += data
        elif data:
            self.send(Piece(0, data, ends_frame=True), sent)

    def _note_end(self, side: Side, how: CloseHow, at_ns: int, sent: Sent | None = None) -> None:
        if side not in self._ended:
            self._ended.add(side)
            self._listener.soon(partial(self.record.closed, side, how, at_ns, sent))

    def _opened(self) -> _Protocol:
        if self._protocol is None:
            raise RuntimeError(f"{self.name} was used before its handshake")
        return self._protocol


def _in_segments(data: bytes, segments: Pieces, begins_ns: int) -> tuple[Piece, ...]:
    parts = _parts(data, segments.count)
    return tuple(
        Piece(begins_ns + number * segments.every_ns, part, ends_frame=number == len(parts) - 1)
        for number, part in enumerate(parts)
    )


def _parts(data: bytes, count: int) -> list[bytes]:
    """Cut bytes into `count` parts of about one size; none is empty unless all is."""
    count = max(1, min(count, len(data)))
    edges = [len(data) * number // count for number in range(count + 1)]
    return [data[start:end] for start, end in pairwise(edges)]


def _offered_deflate(headers: HeaderPairs) -> list[ClientPerMessageDeflateFactory] | None:
    """Return the recorded offer of permessage-deflate."""
    for offer in values_of(headers, "Sec-WebSocket-Extensions"):
        try:
            ((name, parameters),) = parse_extension(offer)
            if name == "permessage-deflate":
                return [_deflate(dict(parameters))]
        except (InvalidHeader, ValueError):
            # Nobody could accept it, so nothing is lost without it.
            continue
    return None


def _deflate(offered: Mapping[str, str | None]) -> ClientPerMessageDeflateFactory:
    client_bits = offered.get("client_max_window_bits")
    server_bits = offered.get("server_max_window_bits")
    return ClientPerMessageDeflateFactory(
        server_no_context_takeover="server_no_context_takeover" in offered,
        client_no_context_takeover="client_no_context_takeover" in offered,
        server_max_window_bits=int(server_bits) if server_bits else None,
        client_max_window_bits=int(client_bits)
        if client_bits
        else "client_max_window_bits" in offered or None,
    )
