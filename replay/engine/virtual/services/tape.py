"""What a service over HTTP answered when it was asked first, and again to whoever asks the same.

The service is real, and asked once for each answer; after that, runs need it no longer and are the
same again. Nothing is written down: what was answered is gone with the process.
"""

from __future__ import annotations

import http.client
import socket
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from replay.engine.remarks import TAPED, UNANSWERED
from replay.engine.virtual.services import Answer
from replay.engine.virtual.services.asgi_in_memory import AsgiInMemory
from replay.errors import ReplayError

# In the world's time, which stands still for the run.
ANSWER_S = 5.0
BAD_GATEWAY = 502
# Who asks and for what; others, such as ids of traces, are another each time.
_TELLING = frozenset((b"authorization", b"cookie", b"accept", b"content-type"))
# Each connection has its own.
_OF_ONE_CONNECTION = frozenset(
    "connection content-length date keep-alive server transfer-encoding".split()
)
Headers = tuple[tuple[bytes, bytes], ...]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Request(NamedTuple):
    """What makes a request the same as another; `target` is its path and query."""

    method: str
    target: str
    headers: Headers
    body: bytes


class Response(NamedTuple):
    """What was answered, whole."""

    status: int
    headers: Headers
    body: bytes


@dataclass(slots=True)
class Tape:
    """The n-th time that a run asks for something it gets what was answered the n-th time."""

    host: str
    port: int
    _responses: dict[Request, list[Response]] = field(default_factory=dict, repr=False)
    _asked: Counter[Request] = field(default_factory=Counter, repr=False)
    _unanswered: dict[str, None] = field(default_factory=dict)
    _is_there: bool = False

    @property
    def address(self) -> str:
        """Where the service is."""
        return f"{self.host}:{self.port}"

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Answer]:
        """Have it there for one run. Raises ReplayError where the service is not, at first."""
        self._asked.clear()
        self._unanswered.clear()
        if not self._is_there:
            self._check_answers()

        async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                await self._answer(scope, receive, send)

        async with AsgiInMemory(f"tape={self.address}", lambda: application).serving() as answer:
            yield answer

    def notes(self) -> Iterator[str]:
        """Yield what to note of a run."""
        if self._asked:
            yield f"{TAPED}{self.address}"
        for why in self._unanswered:
            yield f"{UNANSWERED}{self.address}: {why}"

    def _check_answers(self) -> None:
        try:
            self._connected().close()
        except OSError as error:
            raise ReplayError(
                f"nothing answers at {self.address} ({error}), expected the service whose answers "
                f"--fake tape={self.address} repeats: start it"
            ) from error
        self._is_there = True

    async def _answer(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event.get("body", b""), event.get("more_body", False)
        answered = self._response(scope, body)
        headers = (*answered.headers, (b"content-length", b"%d" % len(answered.body)))
        await send(
            {"type": "http.response.start", "status": answered.status, "headers": [*headers]}
        )
        await send({"type": "http.response.body", "body": answered.body})

    def _response(self, scope: dict[str, Any], body: bytes) -> Response:
        query = scope["query_string"].decode("latin-1")
        target = scope["raw_path"].decode("latin-1") + (f"?{query}" if query else "")
        telling = tuple(pair for pair in scope["headers"] if pair[0] in _TELLING)
        request = Request(scope["method"], target, telling, body)
        known, number = self._responses.setdefault(request, []), self._asked[request]
        self._asked[request] += 1
        if number < len(known):
            return known[number]
        try:
            response = self._ask(request, tuple(scope["headers"]))
        except (OSError, http.client.HTTPException) as error:
            self._unanswered[f"{type(error).__name__}: {error}"] = None
            return Response(BAD_GATEWAY, (), b"")
        known.append(response)
        return response

    def _ask(self, request: Request, headers: Headers) -> Response:
        """Ask the service, while time stands still. Raises OSError, HTTPException."""
        connection = http.client.HTTPConnection(self.host, self.port)
        with closing(connection):
            connection.sock = self._connected()
            connection.putrequest(
                request.method, request.target, skip_host=True, skip_accept_encoding=True
            )
            for name, value in headers:
                if name.lower() not in (b"connection", b"transfer-encoding", b"content-length"):
                    connection.putheader(name, value)
            if request.body:
                connection.putheader("content-length", str(len(request.body)))
            connection.endheaders(request.body or None)
            answered = connection.getresponse()
            kept = (
                (name.lower().encode("latin-1"), value.encode("latin-1"))
                for name, value in answered.getheaders()
                if name.lower() not in _OF_ONE_CONNECTION
            )
            return Response(answered.status, tuple(kept), answered.read())

    def _connected(self) -> socket.socket:
        """Return a real socket, past whoever keeps the application from real ones."""
        found = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        refused: OSError = ConnectionRefusedError("no address")
        for family, kind, protocol, _, address in found:
            sock = socket.socket(family, kind, protocol)
            sock.settimeout(ANSWER_S)
            try:
                super(socket.socket, sock).connect(address)
            except OSError as error:
                sock.close()
                refused = error
            else:
                return sock
        raise refused
