"""A Redis in memory: fakeredis, behind Redis's own protocol.

Private names of fakeredis that this rests on: `_socket.AsyncFakeSocket`, `_client_info`,
`_clients._tcp_server.encode_reply`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from itertools import count
from typing import Any, cast

from fakeredis import FakeServer
from fakeredis._clients._tcp_server import encode_reply
from fakeredis._socket import AsyncFakeSocket
from redis.asyncio import Redis

from replay.engine.virtual.services import Answer


class RedisInMemory:
    """Does what fakeredis does, which is most of Redis; scripts only where lupa is installed."""

    def notes(self) -> Iterable[str]:
        """It is empty at the beginning, so there is nothing to say of it."""
        return ()

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Answer]:
        """Begin with an empty Redis; yield what makes the server's end of each connection."""
        yield partial(_Connection, FakeServer(), count())


class _Connection(asyncio.Protocol):
    """The server's end of one connection."""

    def __init__(self, server: FakeServer, numbers: count[int]) -> None:
        self._server = server
        self._numbers = numbers

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to answer."""
        self._transport = cast("asyncio.Transport", transport)
        # RESP 2, as to any who connects, until a HELLO says otherwise.
        self._answering = _Answering(self._transport.write, next(self._numbers), self._server)

    def data_received(self, data: bytes) -> None:
        """Take commands, or a part of one; what is none of Redis's protocol ends the connection."""
        try:
            self._answering.sendall(data)
        except Exception as error:
            self._transport.write(encode_reply(error, protocol=2))
            self._transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        """Forget who was subscribed, or waited."""
        self._answering.close()


class _Answering(AsyncFakeSocket):
    """Writes each answer as it comes. Who is subscribed hears in the order of the connections."""

    def __init__(self, write: Any, number: int, server: FakeServer) -> None:  # noqa: ANN401
        self._write = write
        self._number = number
        super().__init__(server, 0, client_class=Redis, client_info={"resp": 2})

    def put_response(self, msg: object) -> None:
        """Write an answer, or what a channel says."""
        self._write(encode_reply(msg, self._client_info.protocol_version))

    def __hash__(self) -> int:
        return self._number

    def __eq__(self, other: object) -> bool:
        return self is other
