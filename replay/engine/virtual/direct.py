"""The direct shell: carries a plan out on an application by the messages of ASGI alone.

No sockets, no bytes, and no task for the client: what it does and hears are calls on the agenda of
the loop.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from heapq import heappop, heappush
from typing import Any

from websockets.uri import parse_uri

from capture.recorder import Sent
from replay.engine.core import Due
from replay.engine.remarks import NOT_SENT
from replay.engine.run_state import LACKS, RunState
from replay.engine.virtual.asgi_connection import AsgiConnection
from replay.engine.virtual.direct_connection import DirectConnection, request_headers
from replay.engine.virtual.loop import VirtualLoop
from replay.engine.virtual.served import Served
from replay.plan import End, Open, Send, Step

_resource_name = lru_cache(maxsize=16)(lambda url: parse_uri(url).resource_name)


class DirectRun:
    """One run against an application that is up. `latency_ns` is how long a message takes.

    `notes_after` is asked in the end what to note of a run that began then.
    """

    def __init__(
        self,
        state: RunState,
        served: Served,
        loop: VirtualLoop,
        latency_ns: int,
        notes_after: Callable[[int], Iterable[str]],
    ) -> None:
        self._state = state
        self._core = state.core
        self._served = served
        self._loop = loop
        self._latency_ns = latency_ns
        self._began_ns = loop.now_ns
        self._notes = partial(notes_after, loop.now_ns)
        self._wakes_ns: list[int] = []
        self._ended: asyncio.Future[None] = loop.create_future()
        self._connections = {
            name: DirectConnection(
                name,
                state.recorder.connection(state.target.origin, name=name),
                state,
                self._look,
                loop,
                latency_ns,
            )
            for name in state.plan.connections
        }

    async def carry_out(self) -> None:
        """Take every step in its time; return when all connections ended. Raises NoToken."""
        # A collection would run what a program has in its finalizers, at a time of its own.
        gc_was_on = gc.isenabled()
        gc.disable()
        self._loop.agenda_failed = self._fail
        try:
            self._state.check_limits(0)
            self._look()
            await self._ended
        finally:
            if gc_was_on:
                gc.enable()
            self._finish()

    def _finish(self) -> None:
        """Leave nothing open and nothing unwritten."""
        now_ns = self._now_ns()
        for connection in self._connections.values():
            if not self._core.is_finished and not connection.is_over:
                connection.record.note(now_ns, "the replay was interrupted")
                connection.say_goodbye()
            connection.abandon()
            connection.tell_nobody()
            connection.record.finish()
        self._state.note_values(now_ns)
        self._state.note_served(now_ns, self._notes())

    def _now_ns(self) -> int:
        return self._loop.now_ns - self._began_ns

    def _later(self, delay_ns: int, act: Callable[..., None], *arguments: Any) -> None:  # noqa: ANN401
        self._loop.at(self._loop.now_ns + delay_ns, act, *arguments)

    def _fail(self, error: Exception) -> None:
        if not self._ended.done():
            self._ended.set_exception(error)

    def _look(self) -> None:
        """Wake when the next step is due, or one waited in vain; or end the run."""
        if self._core.is_finished or self._state.is_stopped:
            if not self._ended.done():
                self._ended.set_result(None)
            return
        at_ns, wakes_ns = self._core.next_ns(), self._wakes_ns
        # Who wakes looks anew, so the earliest is enough.
        if at_ns is not None and (not wakes_ns or at_ns < wakes_ns[0]):
            heappush(wakes_ns, at_ns)
            self._loop.at(self._began_ns + at_ns, self._wake)

    def _wake(self) -> None:
        heappop(self._wakes_ns)
        now_ns = self._now_ns()
        first = due = self._core.next_due()
        # What is due at one time goes out together.
        while first is not None and due is not None and due.at_ns == first.at_ns <= now_ns:
            if not self._state.may_take(due.step, now_ns):
                break
            self._take(due)
            due = self._core.next_due()
        for given_up in self._core.give_up(now_ns):
            self._state.note_given_up(given_up, now_ns)
            connection = self._connections[given_up.step.connection]
            if given_up.waited_for.connection == connection.name and not connection.can_send:
                connection.abandon()
        self._look()

    def _take(self, due: Due) -> None:
        step, connection = due.step, self._connections[due.step.connection]
        match step.action:
            case Send() as action:
                self._send(connection, due, action)
            case Open() as action:
                # SYN and SYN ACK.
                self._later(2 * self._latency_ns, self._connect, connection, step, action)
            case End() as action:
                connection.end(action, Sent(step.index, due.at_ns))
                self._later(self._state.patience_ns, connection.abandon)
        self._core.taken(step, self._now_ns())

    def _connect(self, connection: DirectConnection, step: Step, action: Open) -> None:
        client = self._served.next_client()
        server = AsgiConnection(self._served, client, self._loop, self._latency_ns)
        connection.connected(server)
        self._later(action.upgrade_delay_ns, self._ask, connection, step, action, self._now_ns())

    def _ask(
        self, connection: DirectConnection, step: Step, action: Open, connected_ns: int
    ) -> None:
        filled = self._state.filled_request(connection.name, action)
        if filled is None:
            connection.record.note(self._now_ns(), f"{step.name} {NOT_SENT}: {LACKS}")
            connection.abandon()
        elif connection.can_write:
            url, headers = filled
            planned = Sent(step.index, connected_ns + action.upgrade_delay_ns)
            target = self._state.target
            asked = request_headers(action, headers, target)
            connection.ask(_resource_name(url), asked, planned)

    def _send(self, connection: DirectConnection, due: Due, action: Send) -> None:
        step = due.step
        if not connection.can_send:
            note = f"{step.name} {NOT_SENT}: the server closed"
            connection.record.note(self._now_ns(), note)
            return
        payloads = self._state.filled_payloads(step, action)
        if payloads is None:
            connection.record.note(self._now_ns(), f"{step.name} {NOT_SENT}: {LACKS}")
            return
        planned = Sent(step.index, due.at_ns)
        connection.send(b"".join(payloads), planned, is_text=action.is_text)
