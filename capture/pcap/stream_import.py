"""One TCP stream to the events of a capture: its opening, its bytes, its end."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator
from operator import attrgetter
from typing import NamedTuple

from capture.format.model import CloseHow, Side
from capture.pcap.follow import Section
from capture.pcap.opening import Moment, Opened, Opening, authority
from capture.pcap.recorded_connection import RecordedConnection
from capture.pcap.tcp_streams import Address, Close
from capture.recorder import Recorder

NOT_PLACED = "what came after missing bytes was not acknowledged in the packet file"


class Due(NamedTuple):
    """Something that happened on a stream."""

    at_ns: int
    stream: StreamImport
    moment: Moment


class StreamImport:
    """Takes what happened on a stream, in order; records it if it is a WebSocket connection."""

    def __init__(self, section: Section, recorder: Recorder) -> None:
        self._section = section
        self._recorder = recorder
        self._opening = Opening(section.stream, section.peers)
        self._connection: RecordedConnection | None = None
        self._client: Address | None = None
        self._delivered: Counter[Address] = Counter()
        self._waiting_closes: list[Close] = []
        self._closed: dict[Side, list[CloseHow]] = {}
        self._last_at_ns = 0

    @property
    def recorded(self) -> bool:
        """Whether it is a WebSocket connection."""
        return self._connection is not None

    def due(self) -> Iterator[Due]:
        """Yield what happened, in order of time; bytes come before the FIN of their packet."""
        chunks: Iterable[Moment] = self._section.chunks()
        closes: Iterable[Moment] = self._section.stream.closes
        for moment in heapq.merge(chunks, closes, key=attrgetter("at_ns")):
            yield Due(moment.at_ns, self, moment)

    def take(self, moment: Moment) -> None:
        """Record the next thing that happened."""
        self._last_at_ns = max(self._last_at_ns, moment.at_ns)
        if not isinstance(moment, Close):
            self._delivered[moment.sender] += len(moment.data) + moment.missing_bytes
        if self._connection is not None:
            self._record(self._connection, moment)
        elif opened := self._opening.take(moment):
            self._open(opened)

    def finish(self) -> None:
        """Record what never came, and what waited for it."""
        connection = self._connection
        if connection is None:
            if self._opening.seems_websocket():
                text = f"{self._name()} may be WebSocket, too few frames tell: not recorded"
                self._recorder.note(self._last_at_ns, text)
            return
        for address in self._section.peers:
            missing_bytes = self._awaited_bytes(address)
            if missing_bytes > 0:
                connection.lost(self._side(address), missing_bytes, self._last_at_ns, NOT_PLACED)
                self._delivered[address] += missing_bytes
        self._close_what_ended(connection)
        connection.finish()

    def _open(self, opened: Opened) -> None:
        self._client = opened.client
        stream, midway = self._section.stream, opened.host is None
        origin = "" if midway else f"ws://{opened.host}"
        record = self._recorder.connection(origin, stream.connected_at_ns)
        connection = self._connection = RecordedConnection(record)
        began = ": its handshake is not in the file" if midway else ""
        record.note(opened.moments[0].at_ns, self._name() + began)
        if midway:
            connection.joined_midway()
        for moment in opened.moments:
            self._record(connection, moment)

    def _record(self, connection: RecordedConnection, moment: Moment) -> None:
        if isinstance(moment, Close):
            self._waiting_closes.append(moment)
        elif moment.missing_bytes:
            side = self._side(moment.sender)
            connection.lost(side, moment.missing_bytes, moment.at_ns, moment.reason)
        else:
            connection.data(self._side(moment.sender), moment.data, moment.at_ns)
        self._close_what_ended(connection)

    def _close_what_ended(self, connection: RecordedConnection) -> None:
        """Record the FINs that all bytes before them came for; a FIN can overtake a lost packet."""
        for close in tuple(self._waiting_closes):
            if self._awaited_bytes(close.address) > 0:
                continue
            self._waiting_closes.remove(close)
            self._close(connection, self._side(close.address), close)

    def _close(self, connection: RecordedConnection, side: Side, close: Close) -> None:
        earlier = self._closed.setdefault(side, [])
        if not earlier:
            connection.closed(side, close.how, close.at_ns)
        elif close.how is CloseHow.RESET and CloseHow.RESET not in earlier:
            connection.record.note(close.at_ns, f"the {side} reset the connection after its FIN")
        earlier.append(close.how)

    def _awaited_bytes(self, address: Address) -> int:
        """How many bytes were seen to be sent that follow has not placed."""
        sender = self._section.stream.senders.get(address)
        return sender.sent_bytes - self._delivered[address] if sender else 0

    def _side(self, address: Address) -> Side:
        return Side.CLIENT if address == self._client else Side.SERVER

    def _name(self) -> str:
        first, second = self._section.peers
        if self._client == second:
            first, second = second, first
        return (
            f"TCP stream {self._section.stream.number}, {authority(first)} to {authority(second)}"
        )
