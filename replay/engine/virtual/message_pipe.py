"""Two ends of a connection in this process that say messages to each other, in place of bytes.

What is said arrives in order, a latency later. FIN and RST are told apart, as TCP does it, and an
end that does not read has the rest wait, its FIN included.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable

import msgspec

from capture.format.model import HeaderPairs
from replay.engine.virtual.loop import VirtualLoop


class Asked(msgspec.Struct, frozen=True):
    """The opening handshake; `target` is its path and query."""

    target: str
    headers: HeaderPairs


class Answered(msgspec.Struct, frozen=True):
    """The answer to it; 101 has no body."""

    status: int
    reason: str
    headers: HeaderPairs
    body: bytes = b""


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message, whole."""

    payload: bytes
    is_text: bool


class CloseFrame(msgspec.Struct, frozen=True, gc=False):
    """A Close frame, and the payload that says code and reason; none at all says neither."""

    payload: bytes


Said = Asked | Answered | Message | CloseFrame


class PipeEnd(ABC):
    """One end. `latency_ns` is how long what it says is on its way."""

    peer: PipeEnd

    def __init__(self, loop: VirtualLoop, latency_ns: int) -> None:
        self._loop = loop
        self._latency_ns = latency_ns
        self._waiting: deque[Said | None] = deque()
        self._is_reading = True
        self.is_closing = False
        self.is_lost = False
        self._has_said_end = False

    def meet(self, peer: PipeEnd) -> None:
        """Have two ends be those of one connection."""
        self.peer, peer.peer = peer, self

    def part(self) -> None:
        """Have them be those of none, which are gone with whoever knows them."""
        if hasattr(self, "peer"):
            del self.peer.peer, self.peer

    @abstractmethod
    def hear(self, said: Said) -> None:
        """Take what the other end said."""

    @abstractmethod
    def hear_end(self) -> None:
        """Take that it says no more; this end closes then."""

    @abstractmethod
    def lose(self, *, was_reset: bool) -> None:
        """Take that there is no connection any more."""

    def say(self, said: Said) -> None:
        """Say something; after the end nobody hears it."""
        if not self.is_closing and not self._has_said_end:
            self._loop.at(self._loop.now_ns + self._latency_ns, self.peer._take, said)

    def say_end(self) -> None:
        """Say no more."""
        if not self._has_said_end:
            self._has_said_end = True
            self._later(self._latency_ns, self.peer._take, None)

    def close(self) -> None:
        """End in order: what was said still arrives."""
        if not self.is_closing:
            self.say_end()
            self.is_closing = True
            self._later(0, self._lost)

    def abort(self, *, resets: bool = False) -> None:
        """End at once, with `resets` without a goodbye."""
        if self.is_lost:
            return
        if resets:
            self._later(self._latency_ns, self.peer._reset)
        else:
            self.say_end()
        self.is_closing = True
        self._later(0, self._lost)

    def pause_reading(self) -> None:
        """Have what comes wait."""
        self._is_reading = False

    def resume_reading(self) -> None:
        """Hear what waits, and what comes."""
        if not self._is_reading:
            self._is_reading = True
            if self._waiting:
                self._later(0, self._hear_on)

    def _take(self, said: Said | None) -> None:
        """Hear something; None is the end."""
        if self.is_lost and said is not None:
            # Who is gone answers with a reset.
            self._later(self._latency_ns, self.peer._reset)
        elif not self.is_closing:
            if said is not None and self._is_reading and not self._waiting:
                self.hear(said)
                return
            self._waiting.append(said)
            self._hear_on()

    def _hear_on(self) -> None:
        while self._waiting and self._is_reading and not self.is_closing:
            said = self._waiting.popleft()
            if said is not None:
                self.hear(said)
            else:
                self.hear_end()
                self.close()

    def _later(self, delay_ns: int, act: Callable[..., None], *arguments: object) -> None:
        self._loop.at(self._loop.now_ns + delay_ns, act, *arguments)

    def _reset(self) -> None:
        self.is_closing = True
        self._lost(was_reset=True)

    def _lost(self, *, was_reset: bool = False) -> None:
        if not self.is_lost:
            self.is_lost = True
            self._waiting.clear()
            self.lose(was_reset=was_reset)
