"""The edge as a server: it runs the rules on a real clock, with real sockets and processes.

After the head of a request and the head of its answer it passes bytes and reads nothing.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import struct
from collections.abc import Callable
from http import HTTPStatus
from typing import Any, Protocol

from local_staging.clock import monotonic_ns
from local_staging.edge import control
from local_staging.edge.decisions import (
    Answer,
    Cut,
    Decision,
    Kill,
    Route,
    StartInstance,
    Terminate,
)
from local_staging.edge.http_head import END, LONGEST_HEAD_BYTES, BadHead, Head
from local_staging.edge.policy import SECOND_NS, Policy
from local_staging.edge.rules import LOST, Edge, Side

AFFINITY_COOKIE = "GAESA"
AFFINITY_LIVES_S = 30 * 24 * 3_600
CONNECT_S = 4.5
_CHUNK_BYTES = 65_536

_log = logging.getLogger(__name__)


class Fleet(Protocol):
    """The instances."""

    def tell(self, listening: Callable[[int], None], ended: Callable[[int], None]) -> None:
        """Say whom to tell of each."""

    def start(self, instance: int) -> None:
        """Start one."""

    def port(self, instance: int) -> int:
        """Return where one listens."""

    def terminate(self, instance: int) -> None:
        """Send SIGTERM."""

    def kill(self, instance: int) -> None:
        """Send SIGKILL."""


class _Client:
    """One request, from the accepted connection to its end; `verdicts` are the rules' decisions."""

    def __init__(
        self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        self.reader = reader
        self.writer = writer
        self.verdicts: asyncio.Queue[Route | Answer | Cut] = asyncio.Queue()


class _SlowHead(Exception):
    """A client has not sent all of its request's head in time."""


class Proxy:
    """Serves clients by the rules of a policy."""

    def __init__(self, policy: Policy, fleet: Fleet) -> None:
        self._edge = Edge(policy)
        self._policy = policy
        self._fleet = fleet
        self._clients: dict[int, _Client] = {}
        self._numbers = itertools.count(1)
        self._timer: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """Start what is always there, and hear of what becomes of each instance."""
        self._fleet.tell(
            listening=lambda instance: self._do(self._edge.listening(instance, monotonic_ns())),
            ended=lambda instance: self._do(self._edge.instance_ended(instance, monotonic_ns())),
        )
        self._do(self._edge.began(monotonic_ns()))

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection of a client."""
        try:
            head = Head.parsed(await self._head_in_time(reader))
            if head.target.startswith(control.PREFIX):
                await _answer(writer, *control.answer(self._edge, head, self._do, monotonic_ns()))
            else:
                client = _Client(next(self._numbers), reader, writer)
                await self._request(client, head)
        except BadHead as error:
            await _answer(writer, 400, str(error))
        except _SlowHead as error:
            await _answer(writer, 408, str(error))
        except (OSError, asyncio.IncompleteReadError):
            _log.info("a client left before it was served")
        finally:
            writer.close()

    async def _head_in_time(self, reader: asyncio.StreamReader) -> bytes:
        within_s = self._policy.head_timeout_s
        try:
            async with asyncio.timeout(within_s):
                return await _head(reader)
        except TimeoutError:
            raise _SlowHead(f"expected a whole head within {within_s:g} s") from None

    async def _request(self, client: _Client, head: Head) -> None:
        self._clients[client.number] = client
        await self._pass("client")
        self._do(self._edge.arrived(client.number, monotonic_ns(), self._wanted(head)))
        # What comes before the answer is kept, and that the client left is seen at once.
        first = asyncio.create_task(client.reader.read(_CHUNK_BYTES))
        work: asyncio.Task[None] | None = None
        try:
            while True:
                verdict = await self._next(client, first if work is None else None, work)
                match verdict:
                    case Route(instance=instance):
                        work = asyncio.create_task(self._routed(client, instance, head, first))
                    case Answer(status=status, text=text):
                        _log.warning("request %d: %d %s", client.number, status, text)
                        await _cancelled(work)
                        await _answer(client.writer, status, text)
                        return
                    case Cut(why=why):
                        _log.warning("request %d is cut: %s", client.number, why)
                        await _cancelled(work)
                        self._cut(client.writer)
                        return
                    case None:
                        return
        finally:
            await _cancelled(work)
            await _cancelled(first)
            del self._clients[client.number]
            self._do(self._edge.ended(client.number, monotonic_ns()))

    async def _next(
        self,
        client: _Client,
        leaving: asyncio.Task[bytes] | None,
        work: asyncio.Task[None] | None,
    ) -> Route | Answer | Cut | None:
        """Return the next verdict, or None once the client left or the work is done."""
        verdict = asyncio.create_task(client.verdicts.get())
        others = {task for task in (leaving, work) if task is not None}
        if leaving is not None and leaving.done() and leaving.result():
            others.discard(leaving)
        try:
            while True:
                done, _ = await asyncio.wait(
                    {verdict, *others}, return_when=asyncio.FIRST_COMPLETED
                )
                if verdict in done:
                    return verdict.result()
                if leaving in done and leaving is not None and leaving.result():
                    others.discard(leaving)
                    continue
                if work in done and work is not None:
                    work.result()
                return None
        finally:
            verdict.cancel()

    async def _routed(
        self, client: _Client, instance: int, head: Head, first: asyncio.Task[bytes]
    ) -> None:
        await self._pass("instance")
        try:
            async with asyncio.timeout(CONNECT_S):
                reader, writer = await asyncio.open_connection(
                    "127.0.0.1", self._fleet.port(instance)
                )
        except (OSError, KeyError):
            # The rules hear of the instance's end by themselves; until then it is just away.
            _log.warning("request %d: instance %d could not be reached", client.number, instance)
            await _answer(client.writer, 503, "the instance could not be reached")
            return
        try:
            writer.write(_forwarded(head, client.writer).to_bytes())
            await asyncio.gather(
                self._copied(client, client.reader, writer, first),
                self._answered(client, instance, reader),
            )
        finally:
            writer.transport.abort()

    async def _answered(self, client: _Client, instance: int, reader: asyncio.StreamReader) -> None:
        try:
            answer = Head.parsed(await _head(reader))
            status = answer.status
        except (BadHead, asyncio.IncompleteReadError, OSError) as error:
            _log.warning(
                "request %d: instance %d did not answer: %r", client.number, instance, error
            )
            await _answer(client.writer, 503, LOST)
            _end(client.writer)
            return
        await self._pass("instance")
        await self._pass("client")
        self._do(self._edge.answered(client.number, status, monotonic_ns()))
        if self._policy.session_affinity:
            cookie = f"{AFFINITY_COOKIE}={instance}; Max-Age={AFFINITY_LIVES_S}; Path=/; HttpOnly"
            answer = answer.with_fields(("Set-Cookie", cookie))
        client.writer.write(answer.to_bytes())
        await self._copied(client, reader, client.writer)

    async def _copied(
        self,
        client: _Client,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        first: asyncio.Task[bytes] | None = None,
    ) -> None:
        """Pass bytes one way until they end; a reset is passed on as one."""
        try:
            while True:
                chunk = await (reader.read(_CHUNK_BYTES) if first is None else first)
                first = None
                await self._pass("client")
                await self._pass("instance")
                self._edge.passed(client.number, monotonic_ns())
                if not chunk:
                    break
                writer.write(chunk)
                await writer.drain()
            _end(writer)
        except OSError:
            _reset(writer)

    async def _pass(self, side: Side) -> None:
        while (at_ns := self._edge.passes_at_ns(side, monotonic_ns())) > (now_ns := monotonic_ns()):
            await asyncio.sleep((at_ns - now_ns) / SECOND_NS)

    def _wanted(self, head: Head) -> int | None:
        cookie = head.cookie(AFFINITY_COOKIE) if self._policy.session_affinity else None
        return int(cookie) if cookie is not None and cookie.isdecimal() else None

    def _cut(self, writer: asyncio.StreamWriter) -> None:
        if self._policy.cut == "rst":
            _reset(writer)
        else:
            writer.close()

    def _do(self, decisions: list[Decision]) -> None:
        for decision in decisions:
            match decision:
                case StartInstance(instance=instance):
                    self._fleet.start(instance)
                case Terminate(instance=instance):
                    self._fleet.terminate(instance)
                case Kill(instance=instance):
                    self._fleet.kill(instance)
                case Route(request=request) | Answer(request=request) | Cut(request=request):
                    if request in self._clients:
                        self._clients[request].verdicts.put_nowait(decision)
        self._wake_when_due()

    def _wake_when_due(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_ns = self._edge.next_due_ns()
        if due_ns is not None:
            delay_s = max(0, due_ns - monotonic_ns()) / SECOND_NS
            self._timer = asyncio.get_running_loop().call_later(delay_s, self._due)

    def _due(self) -> None:
        self._do(self._edge.due(monotonic_ns()))


def _forwarded(head: Head, writer: asyncio.StreamWriter) -> Head:
    """Return what the instance hears: who asked, and for anything but an upgrade, once only."""
    known = head.value("x-forwarded-for")
    host = writer.get_extra_info("peername")[0]
    told = head.without("x-forwarded-for").without("x-forwarded-proto")
    if not head.is_upgrade:
        told = told.without("connection").with_fields(("Connection", "close"))
    return told.with_fields(
        ("X-Forwarded-For", f"{known}, {host}" if known else host), ("X-Forwarded-Proto", "http")
    )


async def _head(reader: asyncio.StreamReader) -> bytes:
    try:
        return await reader.readuntil(END)
    except asyncio.LimitOverrunError:
        raise BadHead(f"expected a head of up to {LONGEST_HEAD_BYTES} bytes") from None


async def _answer(writer: asyncio.StreamWriter, status: int, text: str) -> None:
    body = text.encode()
    head = Head(
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}",
        (
            ("Content-Type", "application/json" if text.startswith("{") else "text/plain"),
            ("Content-Length", str(len(body))),
            ("Connection", "close"),
        ),
    )
    writer.write(head.to_bytes() + body)
    await writer.drain()


async def _cancelled(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _end(writer: asyncio.StreamWriter) -> None:
    if writer.can_write_eof() and not writer.is_closing():
        writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    if connection is not None and not writer.is_closing():
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()
