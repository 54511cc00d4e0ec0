"""One connection of a live run: the client end of a WebSocket on a real socket.

The protocol is the sans-I/O one of the `websockets` library; it answers pings and closes. When to
open, send and end is decided elsewhere. Every byte, either way, goes to the recorder.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from websockets.client import ClientProtocol
from websockets.exceptions import InvalidHeader, InvalidStatus, ProtocolError
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.headers import parse_extension
from websockets.http11 import Response
from websockets.protocol import State
from websockets.typing import Subprotocol
from websockets.uri import parse_uri

from capture.clock import NowNs
from capture.format.model import CloseHow, Direction, HeaderPairs, Side
from capture.message_kind import kind_of
from capture.recorder import ConnectionRecorder, Sent
from replay.plan import After, End, Ending, Kind, Open, Send
from replay.target import Target

# Made anew for every handshake; the rest of the recorded headers is sent as it was.
_OF_THE_HANDSHAKE = frozenset(
    "host connection upgrade sec-websocket-key sec-websocket-version sec-websocket-extensions "
    "sec-websocket-protocol content-length transfer-encoding".split()
)
_DATA = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Listener:
    """Whom the connection tells what happened, and when."""

    happened: Callable[[After, int], None]
    over: Callable[[str, int], None]


class LiveConnection(asyncio.Protocol):
    """Speaks one connection of a plan; times are nanoseconds since the run began."""

    def __init__(
        self, name: str, record: ConnectionRecorder, listener: Listener, now_ns: NowNs
    ) -> None:
        self.name = name
        self.record = record
        self.transport: asyncio.Transport | None = None
        self._listener = listener
        self._now_ns = now_ns
        self._protocol: ClientProtocol | None = None
        self._parts: list[Frame] = []
        self._counts: Counter[str] = Counter()
        self._is_open = False
        self._is_abandoned = False
        self._ended: set[Side] = set()

    @property
    def can_send(self) -> bool:
        """Whether a message may be sent now."""
        return self._protocol is not None and self._is_open and self._protocol.state is State.OPEN

    @property
    def is_over(self) -> bool:
        """Whether TCP ended."""
        return len(self._ended) == len(Side)

    def ask_for_upgrade(self, url: str, action: Open, target: Target, sent: Sent) -> None:
        """Send the opening handshake; secrets are in `url` and the action's headers."""
        offered = _values(action.headers, "Sec-WebSocket-Protocol")
        self._protocol = ClientProtocol(
            parse_uri(url),
            subprotocols=[Subprotocol(name) for name in offered] or None,
            extensions=_offered_deflate(action.headers),
            max_size=None,
        )
        request = self._protocol.connect()
        for name in {name for name, _ in action.headers} - {"Host"}:
            if name.lower() not in _OF_THE_HANDSHAKE and name in request.headers:
                del request.headers[name]
        for name, value in action.headers:
            if name.lower() == "origin":
                request.headers[name] = _origin_now(value, action.url, target)
            elif name.lower() not in _OF_THE_HANDSHAKE:
                request.headers[name] = value
        self._protocol.send_request(request)
        self._flush(sent)

    def encode(self, action: Send, fragment: int) -> bytes:
        """Return a fragment of a message as the bytes of a frame."""
        protocol = self._opened()
        first = Opcode.TEXT if action.is_text else Opcode.BINARY
        frame = Frame(
            opcode=first if fragment == 0 else Opcode.CONT,
            data=action.fragments[fragment].payload,
            fin=fragment == len(action.fragments) - 1,
        )
        return frame.serialize(
            mask=True, extensions=protocol.extensions if action.compressed else []
        )

    def send(self, data: bytes, sent: Sent | None) -> int:
        """Write bytes now; return when."""
        at_ns = self._now_ns()
        if self.transport is not None:
            self.transport.write(data)
        self.record.received(Direction.CLIENT_TO_SERVER, data, at_ns, sent)
        return at_ns

    def end(self, action: End, sent: Sent) -> None:
        """End the connection in the way of the plan."""
        if self.transport is None or self.is_over:
            return
        match action.ending:
            case Ending.CLOSE if self.can_send:
                self._close(action, sent)
            case Ending.RESET:
                sock = self.transport.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                self._note_end(Side.CLIENT, CloseHow.RESET, sent)
                self.transport.abort()
            case Ending.CLOSE | Ending.FIN:
                self._note_end(Side.CLIENT, CloseHow.FIN, sent)
                self.transport.close()
            case Ending.AWAIT:
                pass

    def abandon(self) -> None:
        """End a connection whose server does not, or will not be waited for any longer."""
        self._is_abandoned = True
        if self.transport is not None and not self.is_over:
            self._note_end(Side.CLIENT, CloseHow.TIMEOUT, None)
            self.transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """TCP is established."""
        self.transport = transport  # type: ignore[assignment]
        if self._is_abandoned:
            self.abandon()

    def data_received(self, data: bytes) -> None:
        """Record what came, tell what it was, and answer what the protocol answers."""
        at_ns = self._now_ns()
        self.record.received(Direction.SERVER_TO_CLIENT, data, at_ns)
        protocol = self._protocol
        if protocol is None:
            return
        protocol.receive_data(data)
        for event in protocol.events_received():
            if isinstance(event, Response):
                self._answered(at_ns)
            elif isinstance(event, Frame) and event.opcode in _DATA:
                self._received(event, at_ns)
        self._flush(None)
        if protocol.handshake_exc is not None and self.transport is not None:
            self.transport.close()

    def eof_received(self) -> bool:
        """The server will send no more; the connection ends."""
        self._note_end(Side.SERVER, CloseHow.FIN, None)
        if self._protocol is not None:
            self._protocol.receive_eof()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """TCP ended."""
        if exc is not None:
            self._note_end(Side.SERVER, CloseHow.RESET, None)
        self._note_end(Side.CLIENT, CloseHow.FIN, None)
        self._ended = set(Side)
        self._listener.over(self.name, self._now_ns())

    def _answered(self, at_ns: int) -> None:
        problem = self._opened().handshake_exc
        if problem is None:
            self._is_open = True
            self._listener.happened(After(Kind.OPEN, self.name), at_ns)
        elif not isinstance(problem, InvalidStatus):
            # A status other than 101 shows in the record; a 101 that is wrong would not.
            self.record.note(at_ns, f"the handshake failed: {problem}")

    def _received(self, frame: Frame, at_ns: int) -> None:
        """Tell of a message once it is whole: as one of its kind, and as one of all."""
        self._parts.append(frame)
        if not frame.fin:
            return
        payload = b"".join(part.data for part in self._parts)
        called = kind_of(payload, is_text=self._parts[0].opcode is Opcode.TEXT)
        self._parts.clear()
        for name in (called, ""):
            self._counts[name] += 1
            event = After(Kind.MESSAGE, self.name, self._counts[name], name)
            self._listener.happened(event, at_ns)

    def _close(self, action: End, sent: Sent) -> None:
        protocol = self._opened()
        try:
            protocol.send_close(action.code, action.reason)
        except ProtocolError:
            # A code that may not be sent, such as 1006, was not sent by the recorded client either.
            protocol.send_close()
        self._flush(sent)

    def _flush(self, sent: Sent | None) -> None:
        """Send what the protocol has to say."""
        data = b"".join(self._opened().data_to_send())
        if data:
            self.send(data, sent)

    def _note_end(self, side: Side, how: CloseHow, sent: Sent | None) -> None:
        if side not in self._ended:
            self._ended.add(side)
            self.record.closed(side, how, self._now_ns(), sent)

    def _opened(self) -> ClientProtocol:
        if self._protocol is None:
            raise RuntimeError(f"{self.name} was used before its handshake")
        return self._protocol


def _values(headers: HeaderPairs, wanted: str) -> list[str]:
    """Return the comma-separated values of a header."""
    lines = [value for name, value in headers if name.lower() == wanted.lower()]
    return [item.strip() for line in lines for item in line.split(",") if item.strip()]


def _origin_now(recorded: str, recorded_url: str, target: Target) -> str:
    """Return the Origin to send: the target's own if it was the recorded server's own."""
    same_site = urlsplit(recorded).netloc == urlsplit(recorded_url).netloc
    return target.http_origin if same_site else recorded


def _offered_deflate(headers: HeaderPairs) -> list[ClientPerMessageDeflateFactory] | None:
    """Return the recorded offer of permessage-deflate."""
    for offer in _values(headers, "Sec-WebSocket-Extensions"):
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
