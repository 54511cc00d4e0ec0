"""Finding where a frame begins, in bytes that do not say.

After lost bytes, and in a recording that joined a connection late, the next frame may begin at any
packet. A packet's beginning is taken for a frame's when what follows keeps the rules of RFC 6455
for its direction, up to a frame that ends where a packet ends, or for many frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from websockets.frames import Opcode
from websockets.utils import apply_mask

from capture.pcap.frame_bounds import FrameHead, frame_head

MANY_FRAMES = 8
MOST_HELD_BYTES = 32 << 20
LONGEST_PLAUSIBLE_FRAME = 16 << 20
MAX_CONTROL_PAYLOAD = 125
RSV1 = 0x40


@dataclass(frozen=True, slots=True)
class Rules:
    """What a frame of one direction looks like: masked by clients only; RSV1 when compressed."""

    masked: bool
    compressed: bool

    def allow(self, head: FrameHead) -> bool:
        """Whether a frame may begin so."""
        if head.opcode not in tuple(Opcode) or head.masked is not self.masked:
            return False
        reserved = head.first_byte & 0x70
        may_be_compressed = self.compressed and head.opcode in (Opcode.TEXT, Opcode.BINARY)
        if reserved and not (reserved == RSV1 and may_be_compressed):
            return False
        if head.is_control:
            return head.fin and head.payload_bytes <= MAX_CONTROL_PAYLOAD
        shortest = {126: 126, 127: 65_536}.get(head.short_length, 0)
        return shortest <= head.payload_bytes <= LONGEST_PLAUSIBLE_FRAME


class Walk(NamedTuple):
    """How far frames go that keep the rules."""

    frames: int
    ends_with_a_packet: bool


def walk(data: bytearray, start: int, packet_ends: set[int], rules: Rules) -> Walk | None:
    """Follow the whole frames from `start` on; None where one breaks the rules."""
    at, frames, exact = start, 0, False
    in_message: bool | None = None
    while frames < MANY_FRAMES and (head := frame_head(data, at)) is not None:
        # The first frame is no continuation: else a run of zeros would be a run of frames.
        may_continue = frames > 0 and in_message is not False
        if not rules.allow(head) or not _in_order(head, may_continue, in_message):
            return None
        if at + head.size > len(data):
            break
        if not _text_is_text(head, data, at):
            return None
        if not head.is_control:
            in_message = not head.fin
        at, frames = at + head.size, frames + 1
        exact = exact or at in packet_ends
    return Walk(frames, exact)


def _in_order(head: FrameHead, may_continue: bool, in_message: bool | None) -> bool:
    """Whether fragments follow each other; `in_message` is None where that is not known."""
    if head.opcode == Opcode.CONT:
        return may_continue
    return head.is_control or not in_message


def _text_is_text(head: FrameHead, data: bytearray, at: int) -> bool:
    if head.first_byte != 0x80 | Opcode.TEXT:
        return True
    body = at + head.header_bytes
    payload = bytes(data[body : at + head.size])
    if head.masked:
        payload = apply_mask(payload, bytes(data[body - 4 : body]))
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


class Piece(NamedTuple):
    """Bytes of one packet."""

    data: bytes
    at_ns: int


class FrameSearch:
    """Takes packets until one is found that begins a frame.

    `enough_frames` whole frames must follow each other, the last of them up to a packet's end.
    """

    def __init__(self, rules: Rules, enough_frames: int = 1) -> None:
        self.skipped_bytes = 0
        self._rules = rules
        self._enough_frames = enough_frames
        self._held = bytearray()
        self._pieces: list[tuple[int, int]] = []
        self._ends: set[int] = set()
        self._candidates: list[int] = []

    @property
    def open_bytes(self) -> int:
        """Bytes taken so far of which no frame came."""
        return self.skipped_bytes + len(self._held)

    def feed(self, data: bytes, at_ns: int) -> list[Piece]:
        """Take a packet; return the pieces from the frame's beginning on, once it is found."""
        start = len(self._held)
        self._held += data
        self._pieces.append((start, at_ns))
        self._candidates.append(start)
        self._ends.add(len(self._held))
        for candidate in tuple(self._candidates):
            walked = walk(self._held, candidate, self._ends, self._rules)
            if walked is None:
                self._candidates.remove(candidate)
            elif self._convinces(walked):
                return self._from(candidate)
        if not self._candidates or len(self._held) > MOST_HELD_BYTES:
            self._forget()
        return []

    def _convinces(self, walked: Walk) -> bool:
        if walked.frames >= MANY_FRAMES:
            return True
        return walked.ends_with_a_packet and walked.frames >= self._enough_frames

    def _from(self, candidate: int) -> list[Piece]:
        self.skipped_bytes += candidate
        ends = [start for start, _ in self._pieces[1:]] + [len(self._held)]
        return [
            Piece(bytes(self._held[start:end]), at_ns)
            for (start, at_ns), end in zip(self._pieces, ends, strict=True)
            if start >= candidate
        ]

    def _forget(self) -> None:
        self.skipped_bytes += len(self._held)
        self._held.clear()
        self._pieces.clear()
        self._ends.clear()
        self._candidates.clear()
