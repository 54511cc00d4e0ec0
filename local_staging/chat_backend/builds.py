"""The two builds of the product. All of their difference is in this file, and nothing else asks.

1. Accept: whose event the receive loop of a connection waits for. When it is the session's, the
   user who comes back within the reconnect grace finds it set by the connection before, and the
   loop reads from a WebSocket that is not accepted yet. And whether anybody may go on reading from
   a WebSocket after a send on it has failed.
2. Constructor: whether there are one or two ways to make a MessageHandlerService, the second only
   taken by connections that come before the backend is warm.
3. Readiness: whether all dependencies are asked one after another, with times that add up to 22 s,
   or only those that a connection cannot do without, side by side within a budget.
4. Heartbeat: whether messages are read while one is being answered, and what a ping may take.
5. Connection response: whether a connection is ready once the client was seen to hear and to speak,
   or once the server has tried to say so; and whether an event that was not delivered is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

from local_staging.chat_backend import incident_message_handler, messages, readiness, reading
from local_staging.chat_backend.build_names import FIXED, INCIDENT, check_build_name
from local_staging.chat_backend.connection_state import ConnectionStateMachine
from local_staging.chat_backend.delivery import ConfirmedDelivery, HopefulDelivery, Sender
from local_staging.chat_backend.guarded_socket import GuardedSocket
from local_staging.chat_backend.heartbeat import Heartbeat
from local_staging.chat_backend.message_handler import (
    MessageHandlerService,
    Supervisor,
    ThreadService,
)
from local_staging.chat_backend.readiness import Check, Readiness
from local_staging.chat_backend.reading import Begin, Handle, Receive
from local_staging.chat_backend.unguarded_socket import UnguardedSocket
from local_staging.clock import monotonic_ns

if TYPE_CHECKING:
    from starlette.websockets import WebSocket

    from local_staging.chat_backend.sessions import Session
    from local_staging.chat_backend.undelivered import Undelivered

ACCEPT_TIMEOUT_S = 10.0
READINESS_BUDGET_S = 8.0


class Socket(Sender, Protocol):
    """One connection of a client."""

    async def accept(self, subprotocol: str | None = None) -> None:
        """Accept. Raises WebSocketDisconnect when the client left."""

    def ready(self) -> None:
        """Take note that both directions work. Raises WebSocketDisconnect when the client left."""

    async def receive_text(self) -> str:
        """Return the next message. Raises WebSocketDisconnect, KeyError if it is binary."""


class Delivery(Protocol):
    """How the events of a session reach its client."""

    async def publish(self, fields: dict[str, Any]) -> None:
        """Have an event delivered, on this connection or a later one."""

    async def reply(self, fields: dict[str, Any]) -> None:
        """Have an answer delivered on this connection."""

    async def run(self) -> None:
        """Deliver until the client leaves."""

    def confirm(self, received: int | None = None) -> None:
        """Take note that the client said something, after so many messages if it counts them."""

    def goodbye(self) -> None:
        """Take note that the client left in order."""

    def end(self) -> None:
        """Leave what was not delivered to the next connection."""


class Build(Protocol):
    """One build: what it does in the five places where they differ."""

    @property
    def name(self) -> str:
        """What the build is called on the command line and by /health."""

    @property
    def heartbeat(self) -> Heartbeat:
        """How the server pings, and how long it waits for the pong."""

    @property
    def is_warm_before_it_listens(self) -> bool:
        """Whether nobody is served before all that serving takes is there."""

    @property
    def waits_for_the_client(self) -> bool:
        """Whether a connection is ready only when the client was heard."""

    def handshake_complete(self, session: Session) -> asyncio.Event:
        """Return the event that a connection of this session sets once its handshake is done."""

    def socket(self, websocket: WebSocket) -> Socket:
        """Return the client's end."""

    def message_handler(
        self, supervisor: Supervisor, thread_service: ThreadService, manager: object, is_warm: bool
    ) -> MessageHandlerService:
        """Make what answers the messages of a connection."""

    def delivery(self, undelivered: Undelivered, socket: Socket) -> Delivery:
        """Return how events reach this client."""

    async def readiness(self, checks: Sequence[Check]) -> Readiness:
        """Ask the dependencies."""

    async def read(self, receive: Receive, handle: Handle, begin: Begin) -> None:
        """Read messages and have them answered, until the client leaves.

        `begin` starts work that outlives the connection.
        """


class Incident:
    """As it was in the incident."""

    name = INCIDENT
    # The times of the incident's own configuration: together the two minutes of its title.
    heartbeat = Heartbeat(interval_s=30.0, timeout_s=90.0)
    is_warm_before_it_listens = False
    waits_for_the_client = False

    def handshake_complete(self, session: Session) -> asyncio.Event:
        """Return the event of the session."""
        return session.handshake_complete

    def socket(self, websocket: WebSocket) -> Socket:
        """Return what Starlette gives."""
        return UnguardedSocket(websocket)

    def message_handler(
        self, supervisor: Supervisor, thread_service: ThreadService, manager: object, is_warm: bool
    ) -> MessageHandlerService:
        """Make it in one of two ways. Raises TypeError in the second."""
        if is_warm:
            return incident_message_handler.made_by_the_factory(supervisor, thread_service)
        return incident_message_handler.made_at_the_endpoint(supervisor, thread_service, manager)

    def delivery(self, undelivered: Undelivered, socket: Socket) -> Delivery:
        """Send once and hope."""
        return HopefulDelivery(undelivered, socket)

    async def readiness(self, checks: Sequence[Check]) -> Readiness:
        """Ask one after another."""
        return await readiness.one_after_another(checks)

    async def read(self, receive: Receive, handle: Handle, begin: Begin) -> None:
        """Read the next once the one before is answered."""
        await reading.one_after_another(receive, handle)


class Fixed:
    """As it was mended."""

    name = FIXED
    # A client whose network takes 20 s for a pong lives, and one that is dead is known to be within
    # 40 s: long before any idle timeout cuts it.
    heartbeat = Heartbeat(interval_s=20.0, timeout_s=20.0)
    is_warm_before_it_listens = True
    waits_for_the_client = True

    def handshake_complete(self, session: Session) -> asyncio.Event:
        """Return an event of this connection alone."""
        return asyncio.Event()

    def socket(self, websocket: WebSocket) -> Socket:
        """Return one that keeps the order."""
        return GuardedSocket(websocket, ConnectionStateMachine(monotonic_ns), ACCEPT_TIMEOUT_S)

    def message_handler(
        self, supervisor: Supervisor, thread_service: ThreadService, manager: object, is_warm: bool
    ) -> MessageHandlerService:
        """Make it in the one way that there is."""
        return MessageHandlerService(supervisor=supervisor, thread_service=thread_service)

    def delivery(self, undelivered: Undelivered, socket: Socket) -> Delivery:
        """Send until it is confirmed."""
        return ConfirmedDelivery(undelivered, socket)

    async def readiness(self, checks: Sequence[Check]) -> Readiness:
        """Ask side by side, and only what a connection cannot do without."""
        needed = [check for check in checks if check.is_needed]
        return await readiness.side_by_side(needed, READINESS_BUDGET_S)

    async def read(self, receive: Receive, handle: Handle, begin: Begin) -> None:
        """Read all the time; who asks whether we are there hears it while the agent works."""
        await reading.side_by_side(receive, handle, begin, messages.is_ping)


BUILDS: tuple[Build, ...] = (Incident(), Fixed())


def build_named(name: str) -> Build:
    """Return the build of that name. Raises StagingError."""
    check_build_name(name)
    return next(build for build in BUILDS if build.name == name)
