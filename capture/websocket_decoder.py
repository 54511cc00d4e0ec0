"""Bytes of one direction to frames, sans-I/O, on the parser of the `websockets` library.

This file does not know who sent the bytes or what is done with the frames. It judges nothing: a
frame that breaks RFC 6455 comes out marked, as long as the length in its header can be followed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

OPCODE_NAMES = {opcode.value: opcode.name.lower() for opcode in Opcode} | {0: "continuation"}
# Whole messages, not compressed: most frames, and nothing about them needs the library's parser.
PLAIN = {0x80 | Opcode.TEXT: "text", 0x80 | Opcode.BINARY: "binary"}


class DecodedFrame(NamedTuple):
    """One frame as it was on the wire, with its payload unmasked and, where possible, inflated."""

    opcode: str
    fin: bool
    rsv1: bool
    rsv2: bool
    rsv3: bool
    masked: bool
    compressed: bool
    payload: bytes
    wire_length: int
    first_byte_at_ns: int
    last_byte_at_ns: int
    invalid: str


class _Tap(Extension):
    """Sees each frame before the library checks it, so that bits and bad frames are not lost."""

    name = "tap"  # type: ignore[assignment]

    def __init__(self, inflate: PerMessageDeflate | None) -> None:
        self.inflate = inflate
        self.seen: Frame | None = None
        self.compressed = False

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Keep the raw frame, then inflate it; reserved bits that nobody claims stay set."""
        self.seen = frame
        if self.inflate is None:
            self.compressed = False
            return frame
        inflated = self.inflate.decode(frame, max_size=max_size)
        self.compressed = inflated is not frame
        return inflated


class FrameDecoder:
    """Decodes one direction of a connection whose handshake is done.

    `deflate` says that the handshake settled on permessage-deflate.
    """

    def __init__(self, *, deflate: bool = False) -> None:
        self._reader = StreamReader()
        self._tap = _Tap(_inflater() if deflate else None)
        self._extensions: Sequence[Extension] = (self._tap,)
        self._first_byte_at_ns: int | None = None

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._reader.buffer)

    def feed(self, data: bytes, at_ns: int) -> Iterator[DecodedFrame]:
        """Yield the frames that `data`, which arrived at `at_ns`, completes."""
        buffer = self._reader.buffer
        first_byte_at_ns = at_ns
        if self._first_byte_at_ns is not None:
            buffer += data
            extent = _extent(buffer, 0)
            if extent is None or extent[1] > len(buffer):
                return
            first_byte_at_ns = self._first_byte_at_ns
            self._first_byte_at_ns = None
            data = bytes(buffer)
            buffer.clear()
        start, end = 0, len(data)
        while (extent := _extent(data, start)) is not None and extent[1] <= end:
            payload_start, stop = extent
            head, masked = data[start], data[start + 1] >= 0x80
            opcode = PLAIN.get(head)
            if opcode is not None:
                payload = data[payload_start:stop]
                if masked:
                    payload = apply_mask(payload, data[payload_start - 4 : payload_start])
                yield DecodedFrame(
                    opcode,
                    True,
                    False,
                    False,
                    False,
                    masked,
                    False,
                    payload,
                    stop - start,
                    first_byte_at_ns,
                    at_ns,
                    "",
                )
            else:
                buffer += data[start:stop]
                yield self._decode(stop - start, first_byte_at_ns, at_ns)
            start = stop
            # The next frame began in this same piece, or begins with the next one.
            first_byte_at_ns = at_ns
        if start < end:
            buffer += data[start:]
            self._first_byte_at_ns = first_byte_at_ns

    def _decode(self, wire_length: int, first_byte_at_ns: int, at_ns: int) -> DecodedFrame:
        buffer, tap = self._reader.buffer, self._tap
        head, masked = buffer[0], buffer[1] >= 0x80
        opcode = OPCODE_NAMES.get(head & 0x0F)
        invalid = ""
        if opcode is None:
            opcode = f"reserved_{head & 0x0F}"
            invalid = f"reserved opcode {head & 0x0F}"
            # As a binary frame the library reads it; what it was is kept here.
            buffer[0] = (head & 0xF0) | Opcode.BINARY
        try:
            next(Frame.parse(self._reader.read_exact, mask=masked, extensions=self._extensions))
            raise RuntimeError("the parser wants more bytes than the frame has")
        except StopIteration as parsed:
            frame: Frame = parsed.value
        except (ProtocolError, PayloadTooBig) as error:
            if tap.seen is None:
                raise
            frame, invalid = tap.seen, invalid or str(error)
        tap.seen = None
        return DecodedFrame(
            opcode=opcode,
            fin=head >= 0x80,
            rsv1=bool(head & 0x40),
            rsv2=bool(head & 0x20),
            rsv3=bool(head & 0x10),
            masked=masked,
            compressed=tap.compressed and not invalid,
            payload=bytes(frame.data),
            wire_length=wire_length,
            first_byte_at_ns=first_byte_at_ns,
            last_byte_at_ns=at_ns,
            invalid=invalid,
        )


def _inflater() -> PerMessageDeflate:
    # A full window with context reads what any negotiated window, with or without context, wrote.
    return PerMessageDeflate(
        remote_no_context_takeover=False,
        local_no_context_takeover=True,
        remote_max_window_bits=15,
        local_max_window_bits=15,
    )


def _extent(data: bytes | bytearray, start: int) -> tuple[int, int] | None:
    """Return where the payload of the frame at `start` begins and ends; None if its head is cut."""
    if len(data) < start + 2:
        return None
    length = data[start + 1] & 0x7F
    begin = start + (6 if data[start + 1] >= 0x80 else 2)
    if length < 126:
        return begin, begin + length
    extra = 2 if length == 126 else 8
    if len(data) < start + 2 + extra:
        return None
    begin += extra
    return begin, begin + int.from_bytes(data[start + 2 : start + 2 + extra], "big")
