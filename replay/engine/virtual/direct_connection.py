"""The client's end of a connection of a direct run: records what it says and hears, and tells.

It does as `LiveConnection` does, without bytes: no pings, no fragments, no compression.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable

from websockets.exceptions import ProtocolError
from websockets.frames import Close

from capture.format.model import CloseHow, Direction, HeaderPairs, Side
from capture.recorder import SWITCHING_PROTOCOLS, ConnectionRecorder, Sent
from capture.websocket_decoder import DecodedFrame
from replay.engine.handshake import kept_headers, values_of
from replay.engine.run_state import RunState
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.message_pipe import (
    Answered,
    Asked,
    CloseFrame,
    Message,
    PipeEnd,
    Said,
)
from replay.plan import After, End, Ending, Kind, Open
from replay.target import Target

GOING_AWAY = 1001
_SUBPROTOCOL = "sec-websocket-protocol"


class DirectConnection(PipeEnd):
    """One connection of a plan, made when the run begins, which is when its times count from.

    `changed` is called when it heard something.
    """

    def __init__(
        self,
        name: str,
        record: ConnectionRecorder,
        state: RunState,
        changed: Callable[[], None],
        loop: VirtualLoop,
        latency_ns: int,
    ) -> None:
        super().__init__(loop, latency_ns)
        self.name = name
        self.record = record
        self.can_send = False
        self._state = state
        self._changed = changed
        self._began_ns = loop.now_ns
        self._is_connected = False
        self._is_abandoned = False
        self._end_at_once: tuple[End, Sent] | None = None
        self._offered: list[str] = []
        self._ended: set[Side] = set()

    @property
    def can_write(self) -> bool:
        """Whether anything may still be said."""
        return self._is_connected and not self.is_closing and Side.CLIENT not in self._ended

    @property
    def is_over(self) -> bool:
        """Whether the connection ended."""
        return len(self._ended) == len(Side)

    def connected(self, server: PipeEnd) -> None:
        """Take the other end."""
        self.meet(server)
        self._is_connected = True
        self.record.connected_at_ns = self._now_ns()
        if self._is_abandoned:
            self.abandon()
        elif self._end_at_once is not None:
            self.end(*self._end_at_once)

    def ask(self, target: str, headers: HeaderPairs, sent: Sent) -> None:
        """Ask for the upgrade; secrets are in both, `target` is the path and query."""
        self._offered = values_of(headers, _SUBPROTOCOL)
        self.record.asked(target, headers, self._now_ns(), sent)
        self.say(Asked(target, headers))

    def send(self, payload: bytes, sent: Sent, *, is_text: bool) -> None:
        """Send a message."""
        if self.can_write:
            self._record(Direction.CLIENT_TO_SERVER, "text" if is_text else "binary", payload, sent)
            self.say(Message(payload, is_text))

    def end(self, action: End, sent: Sent) -> None:
        """End the connection in the way of the plan."""
        if not self._is_connected:
            self._end_at_once = (action, sent)
            return
        if self.is_over:
            return
        match action.ending:
            case Ending.CLOSE if self.can_send:
                self._close(_payload_of(action.code, action.reason), sent)
            case Ending.RESET:
                self._note_end(Side.CLIENT, CloseHow.RESET, sent)
                self.abort(resets=True)
            case Ending.HALF_CLOSE:
                self._note_end(Side.CLIENT, CloseHow.FIN, sent)
                self.say_end()
            case Ending.CLOSE | Ending.FIN:
                self._note_end(Side.CLIENT, CloseHow.FIN, sent)
                self.close()
            case Ending.AWAIT:
                pass

    def tell_nobody(self) -> None:
        """Tell no longer what was heard."""
        self._changed = _nobody

    def say_goodbye(self) -> None:
        """Send a Close when the run ends before the connection does."""
        if self.can_send:
            self._close(_payload_of(GOING_AWAY, ""), None)

    def abandon(self) -> None:
        """End a connection whose server does not, or will not be waited for any longer."""
        self._is_abandoned = True
        if self._is_connected and not self.is_over:
            self._note_end(Side.CLIENT, CloseHow.TIMEOUT)
            self.abort()

    def hear(self, said: Said) -> None:
        """Record what came, tell of it, and answer what the protocol answers."""
        match said:
            case Message():
                opcode = "text" if said.is_text else "binary"
                self._record(Direction.SERVER_TO_CLIENT, opcode, said.payload, None)
                self._state.heard(self.name, said.payload, said.is_text, self._now_ns())
                self._changed()
            case Answered():
                self._answered(said)
                self._changed()
            case CloseFrame():
                self._record(Direction.SERVER_TO_CLIENT, "close", said.payload, None)
                if self.can_send:
                    self._close(said.payload, None)

    def hear_end(self) -> None:
        """The server says no more."""
        self._note_end(Side.SERVER, CloseHow.FIN)

    def lose(self, *, was_reset: bool) -> None:
        """The connection ended."""
        if was_reset:
            self._note_end(Side.SERVER, CloseHow.RESET)
        self._note_end(Side.CLIENT, CloseHow.FIN)
        self._ended = set(Side)
        self.can_send = False
        self._state.over(self.name, self._now_ns())
        self._changed()

    def _now_ns(self) -> int:
        return self._loop.now_ns - self._began_ns

    def _answered(self, answer: Answered) -> None:
        at_ns, status, headers = self._now_ns(), answer.status, answer.headers
        self.record.answered(status, answer.reason, headers, answer.body, at_ns)
        self._state.answered(self.name, headers)
        if status != SWITCHING_PROTOCOLS:
            # The server has closed already.
            return
        problem = self._problem_of(headers)
        if problem:
            self.record.note(at_ns, f"the handshake failed: {problem}")
            self.close()
        else:
            self.can_send = True
            self._state.core.happened(After(Kind.OPEN, self.name), at_ns)

    def _problem_of(self, headers: HeaderPairs) -> str:
        """Return why an answer is none to what was asked, in the words of `websockets`."""
        chosen = values_of(headers, _SUBPROTOCOL)
        if chosen and not self._offered:
            return "no subprotocols supported"
        unknown = [name for name in chosen if name not in self._offered]
        return f"unsupported subprotocol: {unknown[0]}" if unknown else ""

    def _close(self, payload: bytes, sent: Sent | None) -> None:
        self.can_send = False
        if self.can_write:
            self._record(Direction.CLIENT_TO_SERVER, "close", payload, sent)
            self.say(CloseFrame(payload))

    def _record(self, direction: Direction, opcode: str, payload: bytes, sent: Sent | None) -> None:
        at_ns = self._loop.now_ns - self._began_ns
        masked = direction is Direction.CLIENT_TO_SERVER
        wire_length = _wire_length(len(payload), masked=masked)
        if opcode == "text":
            self.record.said(direction, payload, wire_length, at_ns, sent)
            return
        frame = DecodedFrame(
            opcode,
            True,  # whole
            False,
            False,
            False,
            masked,
            False,  # not compressed
            payload,
            wire_length,
            at_ns,
            at_ns,
            "",
        )
        self.record.framed(direction, frame, sent)

    def _note_end(self, side: Side, how: CloseHow, sent: Sent | None = None) -> None:
        if side not in self._ended:
            self._ended.add(side)
            self.record.closed(side, how, self._now_ns(), sent)


def _nobody() -> None:
    """Is told, and does nothing."""


def request_headers(action: Open, headers: HeaderPairs, target: Target) -> HeaderPairs:
    """Return the headers of an opening handshake; `headers` are the recorded ones, filled.

    No compression is offered: there are no bytes to compress.
    """
    offered = values_of(headers, _SUBPROTOCOL)
    return (
        ("Host", target.authority),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        # Whatever it is: the server's chance is left to the server.
        ("Sec-WebSocket-Key", b64encode(bytes(16)).decode()),
        ("Sec-WebSocket-Version", "13"),
        *((("Sec-WebSocket-Protocol", ", ".join(offered)),) if offered else ()),
        *kept_headers(headers, action.url, target),
    )


def _payload_of(code: int | None, reason: str) -> bytes:
    if code is None:
        return b""
    try:
        return Close(code, reason).serialize()
    except ProtocolError:
        # A code that may not be sent, such as 1006, was not sent by the recorded client either.
        return b""


def _wire_length(payload_bytes: int, *, masked: bool) -> int:
    """Return how long the frame would be (RFC 6455, section 5.2)."""
    extended = 0 if payload_bytes < 126 else 2 if payload_bytes < 65_536 else 8
    return payload_bytes + extended + (6 if masked else 2)
