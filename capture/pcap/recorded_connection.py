"""The bytes of one WebSocket connection to its recorder, across what was lost on the way."""

from __future__ import annotations

from capture.format.model import CloseHow, Direction, Side
from capture.http_head import END_OF_HEAD, accepts_deflate, parse_head
from capture.pcap.frame_bounds import FrameTracker
from capture.pcap.frame_search import FrameSearch, Rules
from capture.recorder import SWITCHING_PROTOCOLS, ConnectionRecorder


class RecordedConnection:
    """Hands each direction to the recorder; after lost bytes, from the next frame on."""

    def __init__(self, record: ConnectionRecorder) -> None:
        self.record = record
        self._deflate = False
        self._refused = False
        self._halves = {direction.sender: _Half(direction) for direction in Direction}

    def joined_midway(self) -> None:
        """Begin with frames, and find where they begin."""
        # Whether compression was agreed on is not known: a frame that is compressed says so.
        self._deflate = True
        self.record.joined_midway(deflate=True)
        for half in self._halves.values():
            half.head = None
            half.search = self._search(half)

    def data(self, side: Side, data: bytes, at_ns: int) -> None:
        """Record what one side sent."""
        half = self._halves[side]
        half.last_at_ns = at_ns
        dropped = min(half.to_drop, len(data))
        half.to_drop -= dropped
        data = data[dropped:]
        if half.search is None:
            self._decode(half, data, at_ns)
        elif data and (pieces := half.search.feed(data, at_ns)):
            self._found(half, at_ns)
            for piece in pieces:
                self._decode(half, piece.data, piece.at_ns)

    def lost(self, side: Side, missing_bytes: int, at_ns: int, reason: str) -> None:
        """Record that bytes are missing, and leave out the frame they belonged to."""
        half = self._halves[side]
        half.last_at_ns = at_ns
        lacking = half.lacking_bytes
        self._give_up_search(half, at_ns)
        self.record.gap(half.direction, at_ns, missing_bytes, reason)
        half.tracker, half.to_drop = FrameTracker(), 0
        if self._refused:
            return
        if half.head is not None:
            half.head = None
            self._go_on_unanswered(at_ns)
        if lacking is not None and lacking >= missing_bytes > 0:
            # The frame begun spans the gap, so it is known where it ends.
            half.to_drop = lacking - missing_bytes
        else:
            half.search = self._search(half)
        if self._deflate:
            self.record.note(at_ns, "after lost bytes, compressed messages may not be readable")

    def closed(self, side: Side, how: CloseHow, at_ns: int) -> None:
        """Record that a side ended its half."""
        half = self._halves[side]
        self._give_up_search(half, max(at_ns, half.last_at_ns))
        self.record.closed(side, how, max(at_ns, half.last_at_ns))

    def finish(self) -> None:
        """Write what is held back."""
        for half in self._halves.values():
            self._give_up_search(half, half.last_at_ns)
        self.record.finish()

    def _decode(self, half: _Half, data: bytes, at_ns: int) -> None:
        self.record.received(half.direction, data, at_ns)
        if half.head is not None:
            data = self._read_head(half, data)
        half.tracker.feed(data)

    def _read_head(self, half: _Half, data: bytes) -> bytes:
        """Follow the handshake as the recorder does; return what comes after it."""
        head, end, rest = ((half.head or b"") + data).partition(END_OF_HEAD)
        if not end:
            half.head = head
            return b""
        half.head = None
        if half.direction is Direction.SERVER_TO_CLIENT:
            answer = parse_head(head)
            self._refused = answer.status != SWITCHING_PROTOCOLS
            self._deflate = accepts_deflate(answer)
        return rest

    def _go_on_unanswered(self, at_ns: int) -> None:
        """Take the server's answer, which was lost, for a 101."""
        self.record.note(at_ns, "the answer to the handshake was lost, so frames are looked for")
        self._deflate = True
        self.record.joined_midway(deflate=True)

    def _search(self, half: _Half) -> FrameSearch:
        masked = half.direction is Direction.CLIENT_TO_SERVER
        return FrameSearch(Rules(masked=masked, compressed=self._deflate))

    def _found(self, half: _Half, at_ns: int) -> None:
        if half.search is not None and half.search.skipped_bytes:
            skipped = f"{half.search.skipped_bytes} bytes {half.direction}"
            self.record.note(at_ns, f"{skipped} were passed over to find the next frame")
        half.search = None

    def _give_up_search(self, half: _Half, at_ns: int) -> None:
        if half.search is not None and half.search.open_bytes:
            unread = f"{half.search.open_bytes} bytes {half.direction}"
            self.record.note(at_ns, f"{unread} were not decoded: no frame was found in them")
        half.search = None


class _Half:
    """What is known of one direction."""

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.head: bytes | None = b""
        self.tracker = FrameTracker()
        self.search: FrameSearch | None = None
        self.to_drop = 0
        self.last_at_ns = 0

    @property
    def lacking_bytes(self) -> int | None:
        """How far it is to the end of the frame begun; None where that is not known."""
        if self.search is not None or self.head is not None:
            return None
        return self.to_drop or self.tracker.lacking_bytes
