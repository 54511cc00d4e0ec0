"""One proxied connection: two sockets, and a pipe for each direction between them.

Half-closes stay half-closes, resets stay resets, and a slow reader on one side stops the reading on
the other.
"""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from random import Random

from capture.clock import NowNs
from replay.fault_proxy.fault import TO_CLIENT, TO_SERVER, Ending, Fault, Item
from replay.fault_proxy.pipe import Pipe
from replay.fault_proxy.timers import Timer, Timers

# What is held in one direction; beyond it bytes stay in the sockets, so that the sender feels it.
MOST_HELD_BYTES = 1 << 20
# A close with unread bytes would be a reset, so what still comes is read for as long.
CLOSE_LINGERS_NS = 1_000_000_000
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Tell = Callable[[str], None]
Draw = Callable[[str, str], Random]
"""A generator for the key of a fault and a purpose, of their own."""


class Relay:
    """Passes bytes on under the faults of this connection; `over` is called when both ends left."""

    def __init__(
        self, timers: Timers, now_ns: NowNs, draw: Draw, tell: Tell, over: Callable[[], None]
    ) -> None:
        self.client, self.server = _End(self), _End(self)
        self.timers = timers
        self.now_ns = now_ns
        self.tell = tell
        self.ways = (
            _Way(self, TO_SERVER, self.client, self.server),
            _Way(self, TO_CLIENT, self.server, self.client),
        )
        self.is_over = False
        self._draw = draw
        self._over = over
        self._cuts: dict[str, Timer] = {}
        self._linger: Timer | None = None

    def apply(self, key: str, fault: Fault) -> None:
        """Put a fault on this connection, if it is one of those that the fault takes."""
        self.lift(key)
        if self.is_over or self._draw(key, "toxicity").random() >= fault.toxicity:
            return
        for way in self.ways:
            if fault.works(way.direction):
                stage = fault.stage(self._draw(key, way.direction))
                way.pass_on(way.pipe.apply(key, stage, self.now_ns()))
        cut = fault.cut
        if cut is not None:
            towards = fault.direction

            def act() -> None:
                self.tell(f"{cut.ending}, {key}")
                self.end(cut.ending, towards)

            self._cuts[key] = self.timers.at(self.now_ns() + cut.after_ns, act)

    def lift(self, key: str) -> None:
        """Take a fault off this connection; what it held goes on."""
        timer = self._cuts.pop(key, None)
        if timer is not None:
            timer.cancel()
        for way in self.ways:
            way.pass_on(way.pipe.lift(key, self.now_ns()))

    def end(self, ending: Ending, towards: str) -> None:
        """End the connection as a fault has it; only who is at the end of `towards` is reset."""
        if self.is_over:
            return
        self.is_over = True
        for way in self.ways:
            if ending is Ending.RESET_BY_FAULT and towards in (way.direction, "both"):
                way.sink.reset()
            else:
                way.sink.end()
            way.source.read(True)
        at_ns = self.now_ns() + CLOSE_LINGERS_NS
        self._linger = self.timers.at(at_ns, self.abort)

    def finish(self) -> None:
        """Close both ends once both streams have ended well."""
        if all(way.is_done for way in self.ways):
            self.is_over = True
            self.client.close()
            self.server.close()

    def abort(self) -> None:
        """End the connection at once, because the proxy ends."""
        self.is_over = True
        for each in (self.client, self.server):
            each.abort()

    def lost(self) -> None:
        """Take note that an end left; when both did, it is over."""
        if self.client.is_gone and self.server.is_gone:
            self.is_over = True
            for timer in (*self._cuts.values(), self._linger):
                if timer is not None:
                    timer.cancel()
            for way in self.ways:
                way.stop()
            self._over()


class _End(asyncio.Protocol):
    """One socket. What is asked of it before it is connected happens when it is."""

    outgoing: _Way
    incoming: _Way

    def __init__(self, relay: Relay) -> None:
        self._relay = relay
        self._transport: asyncio.Transport | None = None
        self._early: list[Callable[[asyncio.Transport], None]] = []
        self._is_reading = True
        self._has_ended = False
        self._has_sent_end = False
        self.is_gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport  # type: ignore[assignment]
        for act in self._early:
            self._when_connected(act)
        self._early.clear()

    def data_received(self, data: bytes) -> None:
        self.outgoing.received(data)

    def eof_received(self) -> bool:
        self._has_ended = True
        self.outgoing.ended(Ending.FIN)
        # Both sides have sent their FIN when a fault had ended it; otherwise it is half open.
        return not self._has_sent_end or not self._relay.is_over

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_gone = True
        if exc is not None:
            self.outgoing.ended(Ending.RESET)
        self.incoming.sink_left()
        self._relay.lost()

    def pause_writing(self) -> None:
        self.incoming.set_blocked(True)

    def resume_writing(self) -> None:
        self.incoming.set_blocked(False)

    def read(self, wanted: bool) -> None:
        """Take what comes, or leave it in the socket."""
        if wanted is self._is_reading or self._transport is None or self._transport.is_closing():
            return
        self._is_reading = wanted
        if wanted:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self._when_connected(lambda transport: transport.write(data))

    def end(self) -> None:
        """Send a FIN, after what was written; go on reading."""

        def act(transport: asyncio.Transport) -> None:
            if self._has_ended and self._relay.is_over:
                transport.close()
            elif not self._has_sent_end:
                # A reset that this end has not been told of yet: there is nobody left to tell.
                with suppress(OSError):
                    transport.write_eof()
            self._has_sent_end = True

        self._when_connected(act)

    def close(self) -> None:
        """Close it, after what was written."""
        self._when_connected(lambda transport: transport.close())

    def reset(self) -> None:
        """End it with a TCP reset."""

        def act(transport: asyncio.Transport) -> None:
            sock = transport.get_extra_info("socket")
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
            transport.abort()

        self._when_connected(act)

    def abort(self) -> None:
        """Close it at once, also when what was written is not sent yet."""
        if self._transport is None:
            self._early.append(lambda transport: transport.abort())
        else:
            # Also one that is closing: what it still has to send may never be read.
            self._transport.abort()

    def _when_connected(self, act: Callable[[asyncio.Transport], None]) -> None:
        if self._transport is None:
            self._early.append(act)
        elif not self._transport.is_closing():
            act(self._transport)


class _Way:
    """One direction: takes what `source` sent, and hands it to `sink` when it is due."""

    def __init__(self, relay: Relay, direction: str, source: _End, sink: _End) -> None:
        self.direction = direction
        self.pipe = Pipe()
        self.source, self.sink = source, sink
        source.outgoing = sink.incoming = self
        self.passed_bytes = 0
        self.is_done = False
        self._relay = relay
        self._is_blocked = False
        self._timer: Timer | None = None

    def received(self, data: bytes) -> None:
        """Take bytes from the source."""
        if self._relay.is_over or self.is_done:
            return
        if self.pipe.is_clear:
            self.passed_bytes += len(data)
            self.sink.write(data)
        else:
            self.pass_on(self.pipe.put(data, self._relay.now_ns()))

    def ended(self, ending: Ending) -> None:
        """Take the end of what the source sends."""
        if not self._relay.is_over:
            self.pass_on(self.pipe.put(ending, self._relay.now_ns()))

    def pass_on(self, items: list[Item]) -> None:
        """Hand to the sink what is due."""
        for key in self.pipe.took_effect():
            self._relay.tell(f"{key} takes effect {self.direction}")
        for item in items:
            if self._relay.is_over:
                return
            if isinstance(item, bytes):
                self.passed_bytes += len(item)
                self.sink.write(item)
            else:
                self._pass_end(item)
        self._settle()

    def set_blocked(self, is_blocked: bool) -> None:
        """Stop, or go on, as the sink can take more."""
        self._is_blocked = is_blocked
        self._advance()

    def sink_left(self) -> None:
        """Read on and drop it: only so the end of the source is heard."""
        self.is_done = True
        self.stop()
        self.source.read(True)

    def stop(self) -> None:
        """Hand on nothing more."""
        if self._timer is not None:
            self._timer.cancel()

    def _pass_end(self, ending: Ending) -> None:
        match ending:
            case Ending.FIN:
                self.is_done = True
                self.sink.end()
                self._relay.finish()
            case Ending.RESET:
                self.is_done = True
                self.sink.reset()
            case _:
                self._relay.tell(f"{ending}, {self.direction}")
                self._relay.end(ending, "both")

    def _advance(self) -> None:
        if not (self._is_blocked or self._relay.is_over or self.pipe.is_clear):
            self.pass_on(self.pipe.advance(self._relay.now_ns()))
        else:
            self._settle()

    def _settle(self) -> None:
        """Read only while there is room, and come back when the next is due."""
        if self._relay.is_over or self.sink.is_gone:
            self.source.read(True)
            return
        self.source.read(not self._is_blocked and self.pipe.held_bytes < MOST_HELD_BYTES)
        next_ns = None if self._is_blocked else self.pipe.next_ns
        timer = self._timer
        if timer is not None and not timer.is_off:
            if timer.at_ns == next_ns:
                return
            timer.cancel()
        if next_ns is not None:
            self._timer = self._relay.timers.at(next_ns, self._advance)
