"""Which states a connection goes through, and that it goes through them in order.

The state is that of the connection, not of one object's opinion of it: Starlette's own
`application_state` is CONNECTED before the server has done anything about the accept.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class ConnectionState(StrEnum):
    """The states, in the order of a life without failures."""

    CONNECTING = "connecting"
    ACCEPTING = "accepting"
    ACCEPTED = "accepted"
    READY = "ready"
    CLOSED = "closed"


NEXT = {
    ConnectionState.CONNECTING: {ConnectionState.ACCEPTING, ConnectionState.CLOSED},
    ConnectionState.ACCEPTING: {ConnectionState.ACCEPTED, ConnectionState.CLOSED},
    ConnectionState.ACCEPTED: {ConnectionState.READY, ConnectionState.CLOSED},
    ConnectionState.READY: {ConnectionState.CLOSED},
    ConnectionState.CLOSED: set(),
}


class IllegalTransition(RuntimeError):
    """A connection was told to be what it cannot be now."""


@dataclass(frozen=True, slots=True)
class Transition:
    """A state, and when it was reached on the clock of the machine."""

    state: ConnectionState
    at_ns: int


class ConnectionStateMachine:
    """The state of one connection; any thread may ask and move it."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._passed = [Transition(ConnectionState.CONNECTING, now_ns())]

    @property
    def state(self) -> ConnectionState:
        """The state now."""
        return self._passed[-1].state

    @property
    def passed(self) -> tuple[Transition, ...]:
        """The states so far, the first one first."""
        with self._lock:
            return tuple(self._passed)

    def move_to(self, state: ConnectionState) -> None:
        """Go on to a state. Raises IllegalTransition, and then nothing has changed."""
        with self._lock:
            now = self._passed[-1].state
            if state not in NEXT[now]:
                expected = " or ".join(sorted(NEXT[now])) or "nothing more"
                raise IllegalTransition(
                    f"a connection that is {now} becomes {expected}, not {state}"
                )
            self._passed.append(Transition(state, self._now_ns()))

    def close(self) -> bool:
        """Go to CLOSED from wherever it is; return whether it was not there yet."""
        with self._lock:
            if self._passed[-1].state is ConnectionState.CLOSED:
                return False
            self._passed.append(Transition(ConnectionState.CLOSED, self._now_ns()))
            return True
