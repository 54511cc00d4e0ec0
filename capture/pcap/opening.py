"""Telling which TCP streams are WebSocket, and which of their ends is the client."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from capture.http_head import END_OF_HEAD, MAX_HEAD_BYTES, parse_head
from capture.pcap.follow import Chunk
from capture.pcap.frame_search import MANY_FRAMES, FrameSearch, Rules
from capture.pcap.tcp_streams import Address, Close, TcpStream

Moment = Chunk | Close

REQUEST = b"GET "
ENOUGH_MASKED_FRAMES = 3
MOST_HELD_BYTES = 16 << 20


class Opened(NamedTuple):
    """A WebSocket connection: its client, and what of it came so far.

    `host` is the Host header; None where the handshake came before the packets did.
    """

    client: Address
    host: str | None
    moments: Sequence[Moment]


class RequestFinder:
    """Finds the opening handshake in what one end sends, also after other requests."""

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self._bytes = b""

    def feed(self, chunk: Chunk, server: Address) -> Opened | None:
        """Take the next bytes; return the handshake once its head is whole."""
        begins = self._bytes + chunk.data
        if chunk.missing_bytes or not begins.startswith(REQUEST[: len(begins)]):
            self._forget()
            return None
        self._chunks.append(chunk)
        self._bytes = begins
        head, end, _ = begins.partition(END_OF_HEAD)
        if not end:
            if len(begins) > MAX_HEAD_BYTES:
                self._forget()
            return None
        request, chunks = parse_head(head), tuple(self._chunks)
        self._forget()
        if not request.asks_for_websocket:
            return None
        return Opened(chunk.sender, request.get("Host") or authority(server), chunks)

    def _forget(self) -> None:
        self._chunks.clear()
        self._bytes = b""


class Opening:
    """Watches a stream until it shows itself as a WebSocket connection.

    Where its beginning is not in the file, the frames tell: those of a client are masked.
    """

    def __init__(self, stream: TcpStream, peers: tuple[Address, Address]) -> None:
        self._peers = peers
        self._finders = {peer: RequestFinder() for peer in peers}
        self._began_before = stream.starts_late or not stream.opened
        self._held: list[Moment] = []
        self._held_bytes = 0
        self._searches = {peer: _searches() for peer in peers}

    def take(self, moment: Moment) -> Opened | None:
        """Take what happened next; return the connection once it is sure to be one."""
        if self._began_before:
            self._held.append(moment)
        if isinstance(moment, Close):
            return None
        opened = self._finders[moment.sender].feed(moment, self._other(moment.sender))
        if opened is not None or not self._began_before:
            return opened
        return self._judged(moment)

    def seems_websocket(self) -> bool:
        """Whether a frame was seen, in a stream that was not sure to be WebSocket."""
        for masked in (True, False):
            searches = {peer: FrameSearch(_rules(masked=masked)) for peer in self._peers}
            for moment in self._held:
                if isinstance(moment, Chunk) and moment.data:
                    if searches[moment.sender].feed(moment.data, moment.at_ns):
                        return True
        return False

    def _judged(self, chunk: Chunk) -> Opened | None:
        sender, other = chunk.sender, self._other(chunk.sender)
        if chunk.missing_bytes:
            self._searches[sender] = _searches()
            return None
        as_client, as_server = self._searches[sender]
        if as_client.feed(chunk.data, chunk.at_ns):
            return Opened(sender, None, self._held)
        if as_server.feed(chunk.data, chunk.at_ns):
            return Opened(other, None, self._held)
        self._held_bytes += len(chunk.data)
        if self._held_bytes > MOST_HELD_BYTES:
            self._began_before = False
            self._held.clear()
        return None

    def _other(self, peer: Address) -> Address:
        return self._peers[1] if peer == self._peers[0] else self._peers[0]


def authority(address: Address) -> str:
    """Return host:port as a URL has it."""
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _rules(*, masked: bool) -> Rules:
    # Whether compression was agreed on is not known: a frame that is compressed says so.
    return Rules(masked=masked, compressed=True)


def _searches() -> tuple[FrameSearch, FrameSearch]:
    # Frames without a mask look like anything: it takes more of them.
    return (
        FrameSearch(_rules(masked=True), ENOUGH_MASKED_FRAMES),
        FrameSearch(_rules(masked=False), MANY_FRAMES),
    )
