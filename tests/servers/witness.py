"""A server in this process that writes down what reaches it, and when."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from capture.clock import monotonic_ns


@dataclass
class Seen:
    """What one connection brought; times are of CLOCK_MONOTONIC."""

    connected_ns: int
    request: Request | None = None
    request_ns: int = 0
    frames: list[tuple[int, Frame]] = field(default_factory=list)
    ended: str = ""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    def messages(self) -> list[tuple[int, bytes]]:
        """The data frames, without those of the protocol."""
        data = (Opcode.TEXT, Opcode.BINARY, Opcode.CONT)
        return [(at_ns, frame.data) for at_ns, frame in self.frames if frame.opcode in data]


# Called with each data frame that is whole; returns what to answer, if anything.
Answer = Callable[[Frame], list[Frame]]


@dataclass
class Witness:
    """Every connection so far, in order."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)

    @property
    def only(self) -> Seen:
        (seen,) = self.seen
        return seen


class _Connection(asyncio.Protocol):
    def __init__(self, witness: Witness, answer: Answer) -> None:
        self.witness, self.answer = witness, answer
        self.protocol = ServerProtocol(
            extensions=[ServerPerMessageDeflateFactory()],
            max_size=None,
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.seen = Seen(monotonic_ns())
        self.witness.seen.append(self.seen)

    def data_received(self, data: bytes) -> None:
        at_ns = monotonic_ns()
        self.protocol.receive_data(data)
        for event in self.protocol.events_received():
            if isinstance(event, Request):
                self.seen.request, self.seen.request_ns = event, at_ns
                self.protocol.send_response(self.protocol.accept(event))
            elif isinstance(event, Frame):
                self.seen.frames.append((at_ns, event))
                for frame in self.answer(event) if event.fin else ():
                    self.protocol.send_frame(frame)
        self._flush()

    def eof_received(self) -> bool:
        self.seen.ended = self.seen.ended or "fin"
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self.seen.ended = self.seen.ended or ("reset" if exc else "closed by the server")
        self.seen.over.set()

    def _flush(self) -> None:
        for data in self.protocol.data_to_send():
            if data:
                self.transport.write(data)
            else:
                self.transport.write_eof()


def nothing(frame: Frame) -> list[Frame]:
    return []


@asynccontextmanager
async def witnessing(answer: Answer = nothing) -> AsyncIterator[Witness]:
    """Listen on a free port of this machine."""
    witness = Witness()
    server = await asyncio.get_running_loop().create_server(
        lambda: _Connection(witness, answer), "127.0.0.1", 0, family=socket.AF_INET
    )
    witness.port = server.sockets[0].getsockname()[1]
    try:
        yield witness
    finally:
        server.close()
