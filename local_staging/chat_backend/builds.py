"""The two builds of the product. All of their difference is in this file, and nothing else asks.

Both start the receive loop of a connection before its handshake, and let it wait for an event. They
differ in whose event that is: when it belongs to the user's session, the user who comes back within
the reconnect grace finds it set by the connection before, and the loop reads from a WebSocket that
is not accepted yet.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Protocol

from local_staging.errors import StagingError

if TYPE_CHECKING:
    from local_staging.chat_backend.sessions import Session


class Build(Protocol):
    """One build: it says which event the receive loop of a new connection waits for."""

    @property
    def name(self) -> str:
        """What the build is called on the command line and by /health."""

    def handshake_complete(self, session: Session) -> asyncio.Event:
        """Return the event that a connection of this session sets once its handshake is done."""


class Incident:
    """As it was in the incident: the session knows whether its handshake is complete."""

    name = "incident"

    def handshake_complete(self, session: Session) -> asyncio.Event:
        """Return the event of the session."""
        return session.handshake_complete


class Fixed:
    """As it was mended: each connection has a handshake of its own."""

    name = "fixed"

    def handshake_complete(self, session: Session) -> asyncio.Event:
        """Return an event of this connection alone."""
        return asyncio.Event()


BUILDS: tuple[Build, ...] = (Incident(), Fixed())


def build_named(name: str) -> Build:
    """Return the build of that name. Raises StagingError."""
    for build in BUILDS:
        if build.name == name:
            return build
    expected = " or ".join(build.name for build in BUILDS)
    raise StagingError(f"the build is {name!r}, expected {expected}")
