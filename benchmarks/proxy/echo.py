"""The servers behind the proxies: `python -m benchmarks.proxy.echo lean|library PORT`.

`lean` does the least a WebSocket server can: one read, one write for all the frames in it.
`library` is the echo server that the `websockets` documentation begins with, on uvloop.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import re
import sys

import uvloop
from websockets.asyncio.server import ServerConnection, serve
from websockets.frames import apply_mask  # type: ignore[attr-defined]

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class LeanEcho(asyncio.Protocol):
    """Answers each complete masked frame with the same frame unmasked."""

    def __init__(self) -> None:
        self.buffer = b""
        self.upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: asyncio.Transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        buffer = self.buffer + data if self.buffer else data
        if not self.upgraded:
            self.upgrade(buffer)
            return
        position, end, answers = 0, len(buffer), []
        while end - position >= 14:
            length, header = buffer[position + 1] & 0x7F, 2
            if length == 126:
                length, header = int.from_bytes(buffer[position + 2 : position + 4], "big"), 4
            elif length == 127:
                length, header = int.from_bytes(buffer[position + 2 : position + 10], "big"), 10
            begin = position + header + 4
            if end - begin < length:
                break
            if buffer[position] == 0x88:
                self.transport.close()
                return
            answers.append(_unmasked_head(buffer[position : position + header]))
            answers.append(apply_mask(buffer[begin : begin + length], buffer[begin - 4 : begin]))
            position = begin + length
        self.buffer = buffer[position:]
        if answers:
            self.transport.write(b"".join(answers))

    def upgrade(self, head: bytes) -> None:
        if not head.endswith(b"\r\n\r\n"):
            self.buffer = head
            return
        key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)
        if key is None:
            self.transport.close()
            return
        accept = base64.b64encode(hashlib.sha1(key[1] + GUID).digest())
        self.transport.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n"
        )
        self.upgraded, self.buffer = True, b""


def _unmasked_head(head: bytes) -> bytes:
    return head[:1] + bytes((head[1] & 0x7F,)) + head[2:]


async def library_echo(connection: ServerConnection) -> None:
    """Send every message back."""
    async for message in connection:
        await connection.send(message)


async def main(kind: str, port: int) -> None:
    """Serve until ended."""
    if kind == "lean":
        await asyncio.get_running_loop().create_server(LeanEcho, "127.0.0.1", port)
    else:
        await serve(library_echo, "127.0.0.1", port, ping_interval=None)
    await asyncio.Event().wait()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        uvloop.run(main(sys.argv[1], int(sys.argv[2])))
