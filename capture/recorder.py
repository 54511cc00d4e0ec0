"""Bytes of connections to the events of a capture: decoded, redacted, alike for every source.

The proxy, the packet import and a live run all hand their bytes to a Recorder, so that a capture
looks alike whichever way it was made. It opens no socket and reads no clock: times come in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import msgspec
from websockets.exceptions import ProtocolError
from websockets.frames import Close

from capture.format.model import (
    CloseHow,
    Direction,
    Event,
    Frame,
    Gap,
    HeaderPairs,
    Note,
    Secret,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)
from capture.http_head import END_OF_HEAD, MAX_HEAD_BYTES, Head, accepts_deflate, parse_head
from capture.redaction import Redactor, Span, apply
from capture.websocket_decoder import DecodedFrame, FrameDecoder

Emit = Callable[[Event], None]

DATA_OPCODES = ("text", "binary", "continuation")
MAX_BODY_BYTES = 4_096
LEFT_OUT = "its payload is left out, as secrets in it could not be found"
SWITCHING_PROTOCOLS = 101


class Sent(msgspec.Struct, frozen=True, gc=False):
    """What a run says of something it sent: the step it belongs to and when it was due."""

    step: int
    planned_at_ns: int


class Recorder:
    """Makes the events of all connections of one recording and hands them to `emit`.

    `redactor` is None where the person asked to keep secrets. Times are nanoseconds since the
    recording began.
    """

    def __init__(self, emit: Emit, redactor: Redactor | None) -> None:
        self.emit = emit
        self.redactor = redactor
        self._connections = 0

    def connection(
        self, origin: str, connected_at_ns: int | None = None, name: str | None = None
    ) -> ConnectionRecorder:
        """Return the recorder of one more connection, to `origin` (ws://host:port).

        Unless named, connections are c1, c2, … in the order of these calls.
        """
        self._connections += 1
        if name is None:
            name = f"c{self._connections}"
        return ConnectionRecorder(name, origin, connected_at_ns, self)

    def note(self, at_ns: int, text: str, connection: str | None = None) -> None:
        """Record a remark."""
        self.emit(Note(at_ns=at_ns, text=self.clean(text, "note")[0], connection=connection))

    def clean(self, text: str, where: str) -> tuple[str, tuple[Secret, ...]]:
        """Return a text without its secrets, and what they were."""
        return self.redactor.text(text, where=where) if self.redactor else (text, ())

    def clean_headers(self, headers: HeaderPairs) -> tuple[HeaderPairs, tuple[Secret, ...]]:
        """Return headers without their secrets, and what they were."""
        return self.redactor.headers(headers) if self.redactor else (headers, ())

    def clean_url(self, url: str) -> tuple[str, tuple[Secret, ...]]:
        """Return a URL without its secrets, and what they were."""
        return self.redactor.url(url) if self.redactor else (url, ())

    def spans(self, payload: bytes, *, is_first: bool, from_client: bool) -> tuple[Span, ...]:
        """Return where the secrets of a message are."""
        if not self.redactor or not payload:
            return ()
        return self.redactor.message(
            payload, where="message", is_first=is_first, from_client=from_client
        )


class ConnectionRecorder:
    """Records one connection from the bytes of its two directions, the handshake included."""

    def __init__(
        self, name: str, origin: str, connected_at_ns: int | None, recorder: Recorder
    ) -> None:
        self.name = name
        self._origin = origin
        self.connected_at_ns = connected_at_ns
        self._recorder = recorder
        self._client = _Stream(Direction.CLIENT_TO_SERVER)
        self._server = _Stream(Direction.SERVER_TO_CLIENT)
        self._deflate = False
        self._early: list[tuple[bytes, int, Sent | None]] = []
        self._refusal: _Refusal | None = None

    def received(
        self, direction: Direction, data: bytes, at_ns: int, sent: Sent | None = None
    ) -> None:
        """Record the next bytes of one direction."""
        stream = self._client if direction is Direction.CLIENT_TO_SERVER else self._server
        if stream.head is not None:
            data = self._read_head(stream, data, at_ns, sent)
        if not data:
            return
        if self._refusal is not None:
            self._after_refusal(self._refusal, stream, data, at_ns)
        elif self._server.head is not None:
            # Whether the client's frames are compressed is not known before the answer.
            self._early.append((data, at_ns, sent))
        else:
            for frame in stream.decoded(data, at_ns):
                self._record(stream, frame, sent)

    def asked(self, target: str, headers: HeaderPairs, at_ns: int, sent: Sent | None) -> None:
        """Record an opening handshake; `target` is its path and query.

        This, `answered`, `said` and `framed` are for who has what bytes would be decoded to.
        """
        url, in_url = self._recorder.clean_url(self._origin + target)
        clean_headers, in_headers = self._recorder.clean_headers(headers)
        self._recorder.emit(
            UpgradeRequest(
                at_ns=at_ns,
                connection=self.name,
                url=url,
                headers=clean_headers,
                connected_at_ns=self.connected_at_ns,
                step=sent.step if sent else None,
                planned_at_ns=sent.planned_at_ns if sent else None,
                secrets=_unique(*in_url, *in_headers),
            )
        )

    def answered(
        self, status: int, reason: str, headers: HeaderPairs, body: bytes, at_ns: int
    ) -> None:
        """Record the answer to the opening handshake; of a long body its beginning."""
        clean_headers, in_headers = self._recorder.clean_headers(headers)
        clean_reason, in_reason = self._recorder.clean(reason, "reason")
        text = body[:MAX_BODY_BYTES].decode("utf-8", "replace")
        clean_body, in_body = self._recorder.clean(text, "body")
        self._recorder.emit(
            UpgradeResponse(
                at_ns=at_ns,
                connection=self.name,
                status=status,
                headers=clean_headers,
                reason=clean_reason,
                body=clean_body,
                secrets=_unique(*in_headers, *in_reason, *in_body),
            )
        )

    def said(
        self, direction: Direction, text: bytes, wire_length: int, at_ns: int, sent: Sent | None
    ) -> None:
        """Record a whole text message that went in one frame of that length."""
        client = direction is Direction.CLIENT_TO_SERVER
        stream = self._client if client else self._server
        spans = self._recorder.spans(text, is_first=stream.take_first(), from_client=client)
        clean = apply(text, spans) if spans else text
        self._recorder.emit(
            Frame(
                at_ns=at_ns,
                connection=self.name,
                direction=direction,
                opcode="text",
                fin=True,
                masked=client,
                wire_length=wire_length,
                first_byte_at_ns=at_ns,
                text=clean.decode(),
                step=sent.step if sent else None,
                planned_at_ns=sent.planned_at_ns if sent else None,
                secrets=_unique(*(span.secret for span in spans)) if spans else (),
            )
        )

    def framed(self, direction: Direction, frame: DecodedFrame, sent: Sent | None = None) -> None:
        """Record a frame."""
        client = direction is Direction.CLIENT_TO_SERVER
        self._record(self._client if client else self._server, frame, sent)

    def joined_midway(self, *, deflate: bool = False) -> None:
        """Begin with frames: the handshake, or the answer to it, is not in the recording.

        `deflate` has frames that say they are compressed inflated, where that can be done.
        """
        self._client.head = self._server.head = None
        self._client.is_cut = self._server.is_cut = True
        self._frames_begin(deflate=deflate)

    def closed(self, side: Side, how: CloseHow, at_ns: int, sent: Sent | None = None) -> None:
        """Record that one side ended its half, and what it left unfinished."""
        stream = self._client if side is Side.CLIENT else self._server
        self._emit_refusal()
        if side is Side.SERVER:
            self._release_early()
        self._release(stream)
        self._note_unfinished(stream, at_ns)
        self._recorder.emit(
            TcpClose(
                at_ns=at_ns,
                connection=self.name,
                side=side,
                how=how,
                step=sent.step if sent else None,
                planned_at_ns=sent.planned_at_ns if sent else None,
            )
        )

    def note(self, at_ns: int, text: str) -> None:
        """Record a remark on this connection."""
        self._recorder.note(at_ns, text, self.name)

    def finish(self) -> None:
        """Write what was held back, for a recording that ends before the connection does."""
        self._emit_refusal()
        self._release_early()
        self._release(self._client)
        self._release(self._server)

    def _note_unfinished(self, stream: _Stream, at_ns: int) -> None:
        unfinished = len(stream.head or b"") or stream.pending_bytes
        if unfinished and not stream.has_ended:
            what = "its handshake" if stream.head else "a frame"
            sender = stream.direction.sender
            self.note(at_ns, f"the {sender} ended within {what}: {unfinished} bytes of it came")
        stream.has_ended = True

    def _read_head(self, stream: _Stream, data: bytes, at_ns: int, sent: Sent | None) -> bytes:
        """Take what belongs to the handshake; return what comes after it."""
        head, end, rest = ((stream.head or b"") + data).partition(END_OF_HEAD)
        if not end:
            # What is longer is no handshake, and must not fill the memory.
            stream.head = head[:MAX_HEAD_BYTES]
            return b""
        stream.head = None
        parsed = parse_head(head)
        if stream is self._client:
            self.asked(parsed.target, parsed.headers, at_ns, sent)
        else:
            self._upgrade_response(parsed, at_ns)
        return rest

    def _upgrade_response(self, head: Head, at_ns: int) -> None:
        if head.status != SWITCHING_PROTOCOLS:
            self._refusal = _Refusal(head, at_ns)
            if self._refusal.takes(b""):
                self._emit_refusal()
            for data, early_at_ns, sent in self._early:
                self.received(Direction.CLIENT_TO_SERVER, data, early_at_ns, sent)
            self._early.clear()
            return
        self.answered(head.status, head.reason, head.headers, b"", at_ns)
        self._frames_begin(deflate=accepts_deflate(head))

    def _frames_begin(self, *, deflate: bool) -> None:
        if deflate:
            for stream in (self._client, self._server):
                stream.decoder = FrameDecoder(deflate=True)
            self._deflate = True
        self._release_early()

    def _release_early(self) -> None:
        """Decode what the client sent before the server answered, or although it never did."""
        for data, at_ns, sent in self._early:
            for frame in self._client.decoded(data, at_ns):
                self._record(self._client, frame, sent)
        self._early.clear()

    def _after_refusal(self, refusal: _Refusal, stream: _Stream, data: bytes, at_ns: int) -> None:
        """Take the body of a refusal; what else comes on the connection is no WebSocket."""
        if stream is self._server and not refusal.emitted:
            if refusal.takes(data):
                self._emit_refusal()
        elif not refusal.noted:
            refusal.noted = True
            sender = stream.direction.sender
            self.note(at_ns, f"the {sender} sent more after the refusal; that is not recorded")

    def _emit_refusal(self) -> None:
        refusal = self._refusal
        if refusal is not None and not refusal.emitted:
            refusal.emitted = True
            head = refusal.head
            self.answered(head.status, head.reason, head.headers, refusal.body, refusal.at_ns)

    def gap(self, direction: Direction, at_ns: int, missing_bytes: int | None, reason: str) -> None:
        """Record that bytes were lost; the frame around them is lost with them."""
        stream = self._client if direction is Direction.CLIENT_TO_SERVER else self._server
        self._release(stream)
        stream.decoder = FrameDecoder(deflate=self._deflate)
        stream.is_cut = True
        self._recorder.emit(
            Gap(
                at_ns=at_ns,
                connection=self.name,
                direction=direction,
                missing_bytes=missing_bytes,
                reason=reason,
            )
        )

    def _record(self, stream: _Stream, frame: DecodedFrame, sent: Sent | None) -> None:
        if frame.uninflated and self._recorder.redactor is not None:
            # A secret in it could not be found, but could be inflated by whoever has the file.
            frame = frame._replace(payload=b"", invalid=f"{frame.invalid}; {LEFT_OUT}")
        if frame.opcode not in DATA_OPCODES:
            spans = self._spans(stream, frame.payload, is_first=False)
            self._write(stream, frame, apply(frame.payload, spans), spans, sent)
            return
        frame = stream.in_sequence(frame)
        if frame.fin and not stream.held:
            spans = self._spans(stream, frame.payload, is_first=stream.take_first())
            if spans or not self._write_plain(stream, frame, sent):
                self._write(stream, frame, apply(frame.payload, spans), spans, sent)
            return
        # A secret may lie across fragments: they are held until their message is whole.
        stream.held.append((frame, sent))
        if frame.fin:
            self._release(stream)

    def _release(self, stream: _Stream) -> None:
        """Write the held fragments, redacted as the one message they are."""
        if not stream.held:
            return
        message = b"".join(frame.payload for frame, _ in stream.held)
        spans = self._spans(stream, message, is_first=stream.take_first())
        start = 0
        for frame, sent in stream.held:
            end = start + len(frame.payload)
            own = tuple(span for span in spans if start <= span.start < end)
            self._write(stream, frame, apply(message, spans, start=start, end=end), own, sent)
            start = end
        stream.held.clear()

    def _spans(self, stream: _Stream, payload: bytes, *, is_first: bool) -> tuple[Span, ...]:
        return self._recorder.spans(payload, is_first=is_first, from_client=stream.masks)

    def _write_plain(self, stream: _Stream, frame: DecodedFrame, sent: Sent | None) -> bool:
        """Write what nearly every frame is, in half the time; return whether this was one."""
        if frame.opcode != "text" or frame.invalid or frame.masked is not stream.masks:
            return False
        try:
            text = frame.payload.decode()
        except UnicodeDecodeError:
            return False
        # A field that is left out costs nothing to set, nor to write.
        self._recorder.emit(
            Frame(
                at_ns=frame.last_byte_at_ns,
                connection=self.name,
                direction=stream.direction,
                opcode="text",
                fin=True,
                masked=frame.masked,
                wire_length=frame.wire_length,
                first_byte_at_ns=frame.first_byte_at_ns,
                rsv1=frame.rsv1,
                compressed=frame.compressed,
                text=text,
                step=sent.step if sent else None,
                planned_at_ns=sent.planned_at_ns if sent else None,
            )
        )
        return True

    def _write(
        self,
        stream: _Stream,
        frame: DecodedFrame,
        clean: bytes,
        spans: tuple[Span, ...],
        sent: Sent | None,
    ) -> None:
        text, data = _text_or_data(frame, clean, is_text=stream.message_is_text)
        code, reason = _close_code(clean) if frame.opcode == "close" else (None, "")
        invalid = frame.invalid
        if not invalid and frame.masked is not stream.masks:
            invalid = "masked by the server" if frame.masked else "not masked by the client"
        self._recorder.emit(
            Frame(
                at_ns=frame.last_byte_at_ns,
                connection=self.name,
                direction=stream.direction,
                opcode=frame.opcode,
                fin=frame.fin,
                masked=frame.masked,
                wire_length=frame.wire_length,
                first_byte_at_ns=frame.first_byte_at_ns,
                rsv1=frame.rsv1,
                rsv2=frame.rsv2,
                rsv3=frame.rsv3,
                compressed=frame.compressed,
                text=text,
                data=data,
                close_code=code,
                close_reason=reason,
                invalid=invalid,
                step=sent.step if sent else None,
                planned_at_ns=sent.planned_at_ns if sent else None,
                secrets=_unique(*(span.secret for span in spans)) if spans else (),
            )
        )


@dataclass(slots=True)
class _Stream:
    """What the recorder keeps of one direction."""

    direction: Direction
    head: bytes | None = b""
    # Only who has bytes needs one.
    decoder: FrameDecoder | None = None
    held: list[tuple[DecodedFrame, Sent | None]] = field(default_factory=list)
    message_is_text: bool = False
    saw_first: bool = False
    is_cut: bool = False
    has_ended: bool = False
    masks: bool = field(init=False)

    def __post_init__(self) -> None:
        self.masks = self.direction.sender is Side.CLIENT

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not complete."""
        return 0 if self.decoder is None else self.decoder.pending_bytes

    def decoded(self, data: bytes, at_ns: int) -> Iterator[DecodedFrame]:
        """Yield the frames that these bytes complete."""
        if self.decoder is None:
            self.decoder = FrameDecoder()
        return self.decoder.feed(data, at_ns)

    def in_sequence(self, frame: DecodedFrame) -> DecodedFrame:
        """Note what kind of message a data frame belongs to; mark it where it may not stand."""
        was_cut, self.is_cut = self.is_cut, False
        continues = frame.opcode == "continuation"
        if continues and not self.held and not was_cut:
            return frame._replace(invalid=frame.invalid or "a continuation of no message")
        if not continues and self.held:
            return frame._replace(invalid=frame.invalid or "a new message within another")
        if not continues:
            self.message_is_text = frame.opcode == "text"
        return frame

    def take_first(self) -> bool:
        """Whether this is the first message of a client, which often holds its credentials."""
        first, self.saw_first = not self.saw_first, True
        return first and self.direction is Direction.CLIENT_TO_SERVER


@dataclass(slots=True)
class _Refusal:
    """An answer other than 101, and its body so far."""

    head: Head
    at_ns: int
    body: bytes = b""
    emitted: bool = False
    noted: bool = False

    def takes(self, data: bytes) -> bool:
        """Add to the body; return whether that is all. Without a length the close tells."""
        self.body = (self.body + data)[:MAX_BODY_BYTES]
        length = self.head.get("Content-Length") or ""
        enough = min(int(length[:9]), MAX_BODY_BYTES) if length.isdecimal() else MAX_BODY_BYTES
        return len(self.body) >= enough


def _unique(*secrets: Secret) -> tuple[Secret, ...]:
    return tuple({secret.id: secret for secret in secrets}.values())


def _text_or_data(
    frame: DecodedFrame, payload: bytes, *, is_text: bool
) -> tuple[str | None, bytes | None]:
    if is_text and not frame.invalid and frame.opcode in ("text", "continuation"):
        try:
            return payload.decode(), None
        except UnicodeDecodeError:
            # Not UTF-8, or cut within a character by fragmentation.
            return None, payload
    return None, payload


def _close_code(payload: bytes) -> tuple[int | None, str]:
    try:
        close = Close.parse(payload)
    except (ProtocolError, UnicodeDecodeError):
        return None, ""
    return (close.code, close.reason) if payload else (None, "")
