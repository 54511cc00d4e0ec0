"""Where frames begin and end, read from their headers alone, without judging them."""

from __future__ import annotations

from typing import NamedTuple


class FrameHead(NamedTuple):
    """A frame's header; `short_length` is the length field of its second byte."""

    first_byte: int
    masked: bool
    short_length: int
    header_bytes: int
    payload_bytes: int

    @property
    def opcode(self) -> int:
        """Its opcode, known or not."""
        return self.first_byte & 0x0F

    @property
    def is_control(self) -> bool:
        """Whether it may stand between the fragments of a message."""
        return self.first_byte & 0x08 != 0

    @property
    def fin(self) -> bool:
        """Whether it ends its message."""
        return self.first_byte >= 0x80

    @property
    def size(self) -> int:
        """The bytes of the whole frame."""
        return self.header_bytes + self.payload_bytes


def frame_head(data: bytes | bytearray, start: int) -> FrameHead | None:
    """Read the frame header at `start`, or None if it is cut off."""
    if len(data) < start + 2:
        return None
    first_byte, second = data[start], data[start + 1]
    masked, short = second >= 0x80, second & 0x7F
    extra = {126: 2, 127: 8}.get(short, 0)
    header = 2 + extra + (4 if masked else 0)
    if len(data) < start + header:
        return None
    length = int.from_bytes(data[start + 2 : start + 2 + extra], "big") if extra else short
    return FrameHead(first_byte, masked, short, header, length)


class FrameTracker:
    """Knows, of bytes that begin with a frame, how many the frame begun still lacks."""

    def __init__(self) -> None:
        self._cut_header = b""
        self._left = 0

    @property
    def lacking_bytes(self) -> int | None:
        """0 between frames; None where the header is cut, which would tell."""
        return None if self._cut_header else self._left

    def feed(self, data: bytes) -> None:
        """Follow the frames over the next bytes."""
        data = self._cut_header + data
        self._cut_header = b""
        at = self._left
        while at < len(data):
            head = frame_head(data, at)
            if head is None:
                self._cut_header, at = data[at:], len(data)
            else:
                at += head.size
        self._left = at - len(data)
