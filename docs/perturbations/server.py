"""The server of the example session: it asks its store before each answer, and pings once.

`python -m docs.perturbations.server --port 8000` serves it by itself. Each answer says when it was
sent, so that a client that reads late can tell.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import State
from websockets.server import ServerProtocol

from capture.clock import monotonic_ns
from docs.perturbations.store import HOST, Asking, storing

PINGS_AFTER_S = 0.068
"""From the handshake on."""
LEAVES_AFTER_S = 0.015
"""From the last answer on, when the client talks no more."""
DOWN_S = 0.010
"""How long nobody listens while the server restarts."""


class Server:
    """Listens on a port of this machine and asks a store on another; SIGUSR1 restarts it."""

    store: Asking

    def __init__(self, store_port: int) -> None:
        self.port = 0
        self.connections: set[_Connection] = set()
        self._store_port = store_port
        self._server: asyncio.Server | None = None
        self._restarting: asyncio.Task[None] | None = None

    async def start(self, port: int = 0) -> None:
        """Listen; on a free port unless told."""
        loop = asyncio.get_running_loop()
        _, self.store = await loop.create_connection(Asking, HOST, self._store_port)
        self._server = await loop.create_server(lambda: _Connection(self), HOST, port)
        self.port = self._server.sockets[0].getsockname()[1]
        loop.add_signal_handler(signal.SIGUSR1, self._begin_restart)

    def stop(self) -> None:
        """Drop every connection and listen no longer, as a process does that is ended."""
        if self._server is not None:
            self._server.close()
        self.store.stop()
        for connection in list(self.connections):
            connection.transport.abort()

    def _begin_restart(self) -> None:
        self._restarting = asyncio.create_task(self._restart())

    async def _restart(self) -> None:
        self.stop()
        await asyncio.sleep(DOWN_S)
        await self.start(self.port)


class _Connection(asyncio.Protocol):
    """One client. It may stop talking (FIN) and still gets the answers that it is owed."""

    transport: asyncio.Transport

    def __init__(self, server: Server) -> None:
        self._server = server
        self._protocol = ServerProtocol(extensions=[ServerPerMessageDeflateFactory()])
        self._owed = 0
        self._hears_no_more = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]
        self._server.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.connections.discard(self)

    def data_received(self, data: bytes) -> None:
        self._protocol.receive_data(data)
        for event in self._protocol.events_received():
            if isinstance(event, Request):
                self._protocol.send_response(self._protocol.accept(event))
                asyncio.get_running_loop().call_later(PINGS_AFTER_S, self._ping)
            elif isinstance(event, Frame):
                self._hear(event)
        self._flush()

    def eof_received(self) -> bool:
        self._hears_no_more = True
        return self._owed > 0

    def _hear(self, frame: Frame) -> None:
        if frame.opcode is Opcode.TEXT:
            self._parts = [bytes(frame.data)]
        elif frame.opcode is Opcode.CONT:
            self._parts.append(bytes(frame.data))
        else:
            return
        if frame.fin:
            self._owed += 1
            asked = json.loads(b"".join(self._parts))
            self._server.store.ask(partial(self._answer, asked))

    def _answer(self, asked: dict[str, str]) -> None:
        kinds = {"login": "welcome", "pay": "paid", "add": f"got-{asked.get('item')}"}
        self._owed -= 1
        if self._is_open:
            answer = {"type": kinds[asked["type"]], "sent_at_ns": monotonic_ns()}
            self._protocol.send_text(json.dumps(answer).encode())
            self._flush()
        if self._hears_no_more and not self._owed:
            asyncio.get_running_loop().call_later(LEAVES_AFTER_S, self.transport.close)

    def _ping(self) -> None:
        if self._is_open:
            self._protocol.send_ping(b"still there?")
            self._flush()

    @property
    def _is_open(self) -> bool:
        return self._protocol.state is State.OPEN and not self.transport.is_closing()

    def _flush(self) -> None:
        for data in self._protocol.data_to_send():
            if data:
                self.transport.write(data)
            elif self.transport.can_write_eof():
                self.transport.write_eof()


@asynccontextmanager
async def serving(store_port: int) -> AsyncIterator[Server]:
    """Serve on a free port."""
    server = Server(store_port)
    await server.start()
    try:
        yield server
    finally:
        server.stop()


async def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    port = parser.parse_args().port
    async with storing() as store_port:
        server = Server(store_port)
        await server.start(port)
        print(json.dumps({"ready": True, "listen": f"ws://{HOST}:{server.port}"}), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
