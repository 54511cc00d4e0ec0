"""Connections of a session to a server without a network."""

from __future__ import annotations

import asyncio

import httpx

from local_staging.chat_backend.agent import Agent
from local_staging.chat_backend.authentication import Authenticator, Credentials
from local_staging.chat_backend.builds import Build, Fixed, Socket
from local_staging.chat_backend.connection import Arrival, Connection
from local_staging.chat_backend.sessions import Session
from local_staging.chat_backend.storage import UserStorage
from tests.unit.local_staging.chat_backend.rules_model import rules_model
from tests.unit.local_staging.chat_backend.server import Server


def session_of(user_id: str) -> Session:
    """Return the session of a user."""
    storage = UserStorage()
    return Session(user_id, storage, Agent(storage.transcript, rules_model(), asyncio.sleep))


def connection_of(
    server: Server,
    session: Session,
    build: Build | None = None,
    *,
    is_active: bool = True,
    socket: Socket | None = None,
) -> Connection:
    """Return a connection of a session, whose token is active or not.

    The client's end is `socket`, or one as the build makes them.
    """

    async def introspect(request: httpx.Request) -> httpx.Response:
        # A network takes a moment, in which other tasks run.
        await asyncio.sleep(0.001)
        return httpx.Response(200, json={"active": is_active})

    transport = httpx.MockTransport(introspect)
    http = httpx.AsyncClient(base_url="http://auth", transport=transport)
    authenticator = Authenticator(http)
    credentials = Credentials("token")
    made = build or Fixed()
    arrival = Arrival(server.websocket, socket or made.socket(server.websocket), credentials)
    return Connection(arrival, session, authenticator, made)
