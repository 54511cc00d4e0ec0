"""A server in a few lines of Python, and a client that plays a plan to it in virtual time.

It drives the engine's core as the live engine does, with a clock that jumps.
"""

# ruff: noqa: ANN401  values are any JSON, fields those of the model

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count
from typing import Any

from capture.format.model import Capture, Event, Frame, Side
from capture.message_kind import kind_of
from replay.engine.core import EngineCore
from replay.plan import After, End, Ending, Kind, Open, Plan, Send, Step
from tests.unit.replay.captures import MS, Connection, capture_of

LATENCY_NS = 1 * MS


@dataclass(slots=True)
class Session:
    """One connection as the server sees it; `at_ns` is now, `say` answers after a while."""

    name: str
    client: _Client
    at_ns: int = 0
    state: dict[str, Any] = field(default_factory=dict)

    def say(self, payload: Any, after_ms: float = 0) -> None:
        self.client.later(
            self.at_ns + round(after_ms * MS) + LATENCY_NS, self.client.hears, self, payload
        )

    def close(self, code: int = 1000, after_ms: float = 0) -> None:
        self.client.later(
            self.at_ns + round(after_ms * MS) + LATENCY_NS, self.client.is_closed, self, code
        )


OnOpen = Callable[[Session], int]
OnMessage = Callable[[Session, bytes], None]


def accepts(session: Session) -> int:
    return 101


@dataclass(slots=True)
class Server:
    """What a server does on a handshake (it returns the status) and on a message."""

    on_message: OnMessage
    on_open: OnOpen = accepts


class _Client:
    """Plays one plan; the record is a capture."""

    def __init__(self, plan: Plan, server: Server, patience_ns: int) -> None:
        self.core = EngineCore(plan, patience_ns)
        self.server = server
        self.patience_ns = patience_ns
        self.events: list[Event] = []
        self.now_ns = 0
        self.taken: list[tuple[int, Step]] = []
        self._queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._ids = count()
        self._heard: Counter[tuple[str, str]] = Counter()
        self._over: set[str] = set()
        self._sessions = {name: Session(name, self) for name in plan.connections}

    def play(self) -> Capture:
        while not self.core.is_finished:
            due, give_up_ns = self.core.next_due(), self.core.next_give_up_ns()
            times = [at_ns for at_ns, *_ in self._queue[:1]]
            times += [] if due is None else [due.at_ns]
            times += [] if give_up_ns is None else [give_up_ns]
            assert times, "the run is stuck"
            self.now_ns = max(self.now_ns, min(times))
            self._act()
        return capture_of(self.events)

    def later(self, at_ns: int, act: Callable[..., None], *arguments: Any) -> None:
        heappush(self._queue, (at_ns, next(self._ids), act, arguments))

    def _act(self) -> None:
        while self._queue and self._queue[0][0] <= self.now_ns:
            _, _, act, arguments = heappop(self._queue)
            act(*arguments)
        while (due := self.core.next_due()) is not None and due.at_ns <= self.now_ns:
            self._take(due.step)
        for given_up in self.core.give_up(self.now_ns):
            if given_up.waited_for == After(Kind.OPEN, given_up.step.connection):
                self._end(given_up.step.connection, Side.CLIENT)

    def _take(self, step: Step) -> None:
        self.core.taken(step, self.now_ns)
        self.taken.append((self.now_ns, step))
        session, make = self._sessions[step.connection], Connection(step.connection)
        at_ms = self.now_ns / MS
        match step.action:
            case Open(url=url, headers=headers, upgrade_delay_ns=delay_ns):
                self.later(self.now_ns + delay_ns, self._asks, session, url, headers)
            case Send(fragments=fragments):
                payload = b"".join(fragment.payload for fragment in fragments)
                self.events.append(make.sent(at_ms, payload.decode(), step=step.index))
                self.later(self.now_ns + LATENCY_NS, self._arrives, session, payload)
            case End(ending=Ending.CLOSE, code=code):
                self.events.append(make.close_frame(at_ms, Side.CLIENT, code, step=step.index))
                self.later(self.now_ns + 2 * LATENCY_NS, self._is_let_go, session, code)
            case End(ending=Ending.AWAIT):
                self.later(self.now_ns + self.patience_ns, self._end, step.connection, Side.CLIENT)
            case End():
                self._end(step.connection, Side.CLIENT)

    def _asks(self, session: Session, url: str, headers: Any) -> None:
        make = Connection(session.name)
        self.events.append(make.request(self.now_ns / MS, url, headers))
        session.at_ns = self.now_ns + LATENCY_NS
        status = self.server.on_open(session)
        self.later(self.now_ns + 2 * LATENCY_NS, self._is_answered, session, status)

    def _is_answered(self, session: Session, status: int) -> None:
        if session.name in self._over:
            return
        self.events.append(Connection(session.name).response(self.now_ns / MS, status))
        if status == 101:
            self.core.happened(After(Kind.OPEN, session.name), self.now_ns)
        else:
            self._end(session.name, Side.SERVER)

    def _arrives(self, session: Session, payload: bytes) -> None:
        if session.name not in self._over:
            session.at_ns = self.now_ns
            self.server.on_message(session, payload)

    def hears(self, session: Session, payload: Any) -> None:
        if session.name in self._over:
            return
        frame = Connection(session.name).said(self.now_ns / MS, payload)
        self.events.append(frame)
        for called in (kind_of(frame.payload, is_text=frame.opcode == "text"), ""):
            self._heard[session.name, called] += 1
            index = self._heard[session.name, called]
            self.core.happened(After(Kind.MESSAGE, session.name, index, called), self.now_ns)

    def is_closed(self, session: Session, code: int) -> None:
        if session.name not in self._over:
            make = Connection(session.name)
            self.events.append(make.close_frame(self.now_ns / MS, Side.SERVER, code))
            self._end(session.name, Side.SERVER)

    def _is_let_go(self, session: Session, code: int | None) -> None:
        self.is_closed(session, 1000 if code is None else code)

    def _end(self, connection: str, side: Side) -> None:
        if connection not in self._over:
            self._over.add(connection)
            self.events.append(Connection(connection).tcp_close(self.now_ns / MS, side))
            self.core.over(connection, self.now_ns)


def play(plan: Plan, server: Server, patience_ms: float = 400) -> Capture:
    """Carry a plan out; return the record."""
    return _Client(plan, server, round(patience_ms * MS)).play()


def sends(run: Capture) -> list[Frame]:
    """Return what the client sent."""
    return [e for e in run.events if isinstance(e, Frame) and e.step is not None]
