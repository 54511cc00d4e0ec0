"""Bytes of one direction to frames, sans-I/O, on the parser of the `websockets` library.

This file does not know who sent the bytes or what is done with the frames. It judges nothing: a
frame that breaks RFC 6455 comes out marked, as long as the length in its header can be followed.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import NamedTuple

from websockets.exceptions import ProtocolError
from websockets.extensions import Extension
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

try:
    from websockets.speedups import apply_mask
except ImportError:
    from websockets.utils import apply_mask

# The payload of a longer frame is passed over: what is no frame may seem to announce exabytes.
MAX_FRAME_BYTES = 1 << 28

OPCODE_NAMES = {opcode.value: opcode.name.lower() for opcode in Opcode} | {0: "continuation"}
# Whole messages, not compressed: most frames, and nothing about them needs the library's parser.
PLAIN = {0x80 | Opcode.TEXT: "text", 0x80 | Opcode.BINARY: "binary"}
# Whole messages that permessage-deflate compressed.
DEFLATED = {0xC0 | Opcode.TEXT: Opcode.TEXT, 0xC0 | Opcode.BINARY: Opcode.BINARY}


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
    uninflated: bool = False
    """Whether the payload is compressed still, as it could not be inflated."""


class _Tap(Extension):
    """Sees each frame before the library checks it, so that bits and bad frames are not lost."""

    name = "tap"  # type: ignore[assignment]

    def __init__(self, inflate: PerMessageDeflate | None) -> None:
        self.inflate = inflate
        self.seen = Frame(Opcode.BINARY, b"")
        self.is_reserved = False
        self.compressed = False
        self.uninflated = False

    def decode(self, frame: Frame, *, max_size: int | None = None) -> Frame:
        """Keep the frame, inflated if it can be; reserved bits that nobody claims stay set."""
        self.seen, self.compressed, self.uninflated = frame, False, False
        # Of an opcode that it does not know, nobody can say what its bits mean.
        if self.inflate is not None and not self.is_reserved:
            self.seen = self._inflated(self.inflate, frame)
            self.compressed = self.seen is not frame
        return self.seen

    def _inflated(self, inflate: PerMessageDeflate, frame: Frame) -> Frame:
        try:
            inflated = inflate.decode(frame)
        except ProtocolError:
            self.compressed = self.uninflated = True
            inflate.decoder = zlib.decompressobj(wbits=-15)
            raise
        if inflate.decoder.eof:
            # The sender ended its stream with the message, so the next one begins anew.
            inflate.decoder = zlib.decompressobj(wbits=-15)
        return inflated


class FrameDecoder:
    """Decodes one direction of a connection whose handshake is done.

    `deflate` says that the handshake settled on permessage-deflate.
    """

    def __init__(self, *, deflate: bool = False) -> None:
        self._reader = StreamReader()
        self._tap = _Tap(_inflater() if deflate else None)
        self._first_byte_at_ns: int | None = None
        self._to_pass_over = 0
        self._passed_over = 0

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not complete."""
        return len(self._reader.buffer) + (self._passed_over if self._to_pass_over else 0)

    def feed(self, data: bytes, at_ns: int) -> Iterator[DecodedFrame]:
        """Yield the frames that `data`, which arrived at `at_ns`, completes."""
        if self._to_pass_over:
            data = self._pass_over(data)
        first_byte_at_ns = at_ns
        if self._first_byte_at_ns is not None:
            first_byte_at_ns = self._first_byte_at_ns
            data = self._completed(data)
        buffer = self._reader.buffer
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
        if extent is not None and extent[1] - start > MAX_FRAME_BYTES:
            yield self._too_long(data[start:], extent[1] - start, first_byte_at_ns, at_ns)
        elif start < end:
            buffer += data[start:]
            self._first_byte_at_ns = first_byte_at_ns

    def _completed(self, data: bytes) -> bytes:
        """Return `data` with the begin of its first frame before it; nothing if that goes on."""
        buffer = self._reader.buffer
        buffer += data
        extent = _extent(buffer, 0)
        if extent is None or len(buffer) < extent[1] <= MAX_FRAME_BYTES:
            return b""
        self._first_byte_at_ns = None
        whole = bytes(buffer)
        buffer.clear()
        return whole

    def _decode(self, wire_length: int, first_byte_at_ns: int, at_ns: int) -> DecodedFrame:
        buffer, tap = self._reader.buffer, self._tap
        head, masked = buffer[0], buffer[1] >= 0x80
        if tap.inflate is not None and head in DEFLATED:
            return self._decode_deflated(head, masked, first_byte_at_ns, at_ns)
        tap.is_reserved = head & 0x0F not in OPCODE_NAMES
        invalid = ""
        if tap.is_reserved:
            invalid = f"reserved opcode {head & 0x0F}"
            # As a binary frame the library reads it; what it was is kept here.
            buffer[0] = (head & 0xF0) | Opcode.BINARY
        try:
            next(Frame.parse(self._reader.read_exact, mask=masked, extensions=(tap,)))
        except StopIteration:
            pass
        except ProtocolError as error:
            invalid = invalid or str(error)
        return _headed(head, masked, wire_length, first_byte_at_ns, at_ns)._replace(
            compressed=tap.compressed,
            payload=bytes(tap.seen.data),
            invalid=invalid,
            uninflated=tap.uninflated,
        )

    def _decode_deflated(
        self, head: int, masked: bool, first_byte_at_ns: int, at_ns: int
    ) -> DecodedFrame:
        """Inflate a whole message; the library's parser takes twice as long over it."""
        frame, tap, invalid = bytes(self._reader.buffer), self._tap, ""
        self._reader.buffer.clear()
        begin, _ = _extent(frame, 0) or (0, 0)
        payload = frame[begin:]
        if masked:
            payload = apply_mask(payload, frame[begin - 4 : begin])
        tap.is_reserved = False
        try:
            tap.decode(Frame(DEFLATED[head], payload, True, True))
        except ProtocolError as error:
            invalid = str(error)
        return DecodedFrame(
            OPCODE_NAMES[head & 0x0F],
            True,
            True,
            False,
            False,
            masked,
            tap.compressed,
            bytes(tap.seen.data),
            len(frame),
            first_byte_at_ns,
            at_ns,
            invalid,
            tap.uninflated,
        )

    def _too_long(
        self, begun: bytes, wire_length: int, first_byte_at_ns: int, at_ns: int
    ) -> DecodedFrame:
        """Return a frame without its payload, at once, and pass over the payload as it comes."""
        self._passed_over = len(begun)
        self._to_pass_over = wire_length - len(begun)
        masked = begun[1] >= 0x80
        return _headed(begun[0], masked, wire_length, first_byte_at_ns, at_ns)._replace(
            invalid=f"longer than the {MAX_FRAME_BYTES} bytes that are kept"
        )

    def _pass_over(self, data: bytes) -> bytes:
        """Return what comes after a frame that is too long."""
        passed = min(self._to_pass_over, len(data))
        self._to_pass_over -= passed
        self._passed_over += passed
        return data[passed:]


def _headed(
    head: int, masked: bool, wire_length: int, first_byte_at_ns: int, at_ns: int
) -> DecodedFrame:
    return DecodedFrame(
        opcode=OPCODE_NAMES.get(head & 0x0F, f"reserved_{head & 0x0F}"),
        fin=head >= 0x80,
        rsv1=bool(head & 0x40),
        rsv2=bool(head & 0x20),
        rsv3=bool(head & 0x10),
        masked=masked,
        compressed=False,
        payload=b"",
        wire_length=wire_length,
        first_byte_at_ns=first_byte_at_ns,
        last_byte_at_ns=at_ns,
        invalid="",
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
