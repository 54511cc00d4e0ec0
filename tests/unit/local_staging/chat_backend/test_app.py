"""The whole backend with the auth service behind it, in this process and without a socket."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from local_staging.auth_service.issuer import TokenIssuer
from local_staging.auth_service.users import USERS, User
from local_staging.chat_backend.app import create_app
from local_staging.chat_backend.builds import build_named
from local_staging.chat_backend.settings import ModelAddress, Settings
from local_staging.clock import unix_time_s
from local_staging.model_service import app as model_service
from local_staging.model_service.completion import MODEL as RULES
from tests.unit.local_staging.chat_backend.rules_model import AT_ONCE, KEY

ALICE, BOB = USERS[:2]
MODEL = ModelAddress("http://model/v1", KEY, RULES)
MESSAGE = 'RuntimeError: WebSocket is not connected. Need to call "accept" first.'


class Network(httpx.AsyncBaseTransport):
    """Reaches each app by its host, and takes a moment for it, in which other tasks run."""

    def __init__(self, **apps: Starlette) -> None:
        self._transports = {host: httpx.ASGITransport(app) for host, app in apps.items()}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0.001)
        return await self._transports[request.url.host].handle_async_request(request)


class Client:
    """The client's end of one connection, as ASGI messages."""

    def __init__(self, app: Starlette, token: str, *, as_subprotocol: bool = False) -> None:
        headers = [] if as_subprotocol else [(b"authorization", f"Bearer {token}".encode())]
        scope = {
            "type": "websocket",
            "path": "/ws",
            "query_string": b"",
            "headers": headers,
            "subprotocols": ["bearer", token] if as_subprotocol else [],
            "extensions": {"websocket.http.response": {}},
        }
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[Any] = asyncio.Queue()
        self._to_app.put_nowait({"type": "websocket.connect"})
        self.served = asyncio.create_task(app(scope, self._to_app.get, self._from_app.put))

    async def event(self) -> dict[str, Any]:
        """Return the next thing the app did; raise what it raised."""
        message = asyncio.create_task(self._from_app.get())
        await asyncio.wait({message, self.served}, return_when=asyncio.FIRST_COMPLETED)
        if not message.done():
            message.cancel()
            self.served.result()
            pytest.fail("the app ended without a word")
        return message.result()

    async def receive(self) -> dict[str, Any]:
        """Return the next message of the app."""
        event = await self.event()
        assert event["type"] == "websocket.send", event
        fields = json.loads(event["text"])
        assert isinstance(fields, dict)
        return fields

    async def ready(self) -> dict[str, Any]:
        """Wait until the app accepted and said so."""
        event = await self.event()
        assert event["type"] == "websocket.accept", event
        return await self.receive()

    async def ask(self, **fields: object) -> dict[str, Any]:
        """Send a message and return the one that comes next."""
        self._to_app.put_nowait({"type": "websocket.receive", "text": json.dumps(fields)})
        return await self.receive()

    def send(self, **message: object) -> None:
        """Send a message as ASGI has it."""
        self._to_app.put_nowait({"type": "websocket.receive", **message})

    async def chat(self, text: str) -> str:
        """Let the agent answer and return what it said."""
        await self.ask(type="chat", text=text)
        events = [await self.receive() for _ in range(4)]
        return str(events[-1]["answer"])

    async def leave(self) -> None:
        """Close the connection and wait until the app is through with it."""
        self._to_app.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self.served


class Backend:
    """One running build, and tokens for it."""

    def __init__(self, app: Starlette, issuer: TokenIssuer) -> None:
        self.app = app
        self._issuer = issuer

    def token(self, user: User = ALICE) -> str:
        return self._issuer.issue(user.user_id, user.name, unix_time_s())

    def connect(self, user: User = ALICE) -> Client:
        return Client(self.app, self.token(user))


@asynccontextmanager
async def running(build: str, auth_app: Starlette, issuer: TokenIssuer) -> AsyncIterator[Backend]:
    # A grace that no test outlives: within it is the only case that needs no waiting.
    settings = Settings(build_named(build), "http://auth", MODEL, reconnect_grace_s=60)
    network = Network(auth=auth_app, model=model_service.create_app(KEY, AT_ONCE))
    app = create_app(settings, network)
    async with app.router.lifespan_context(app):
        while not app.state.backend.is_warm:
            await asyncio.sleep(0)
        yield Backend(app, issuer)


@pytest.fixture
async def incident(auth_app: Starlette, issuer: TokenIssuer) -> AsyncIterator[Backend]:
    async with running("incident", auth_app, issuer) as backend:
        yield backend


@pytest.fixture
async def fixed(auth_app: Starlette, issuer: TokenIssuer) -> AsyncIterator[Backend]:
    async with running("fixed", auth_app, issuer) as backend:
        yield backend


async def test_incident_fails_the_user_who_comes_right_back(
    incident: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    first = incident.connect()
    await first.ready()
    await first.leave()
    with pytest.raises(ExceptionGroup):
        await incident.connect().event()
    assert sum(MESSAGE in record.getMessage() for record in caplog.records) == 1


async def test_incident_leaves_other_users_alone(incident: Backend) -> None:
    alice, bob = incident.connect(ALICE), incident.connect(BOB)
    assert (await alice.ready())["user_id"] == "alice"
    assert (await bob.ready())["user_id"] == "bob"
    await alice.leave()
    assert (await bob.ask(type="ping"))["type"] == "pong"
    await bob.leave()


async def test_fixed_serves_the_user_who_comes_right_back(fixed: Backend) -> None:
    for _ in range(3):
        client = fixed.connect()
        await client.ready()
        assert (await client.ask(type="ping"))["type"] == "pong"
        await client.leave()


async def test_fixed_serves_two_connections_of_one_user(fixed: Backend) -> None:
    first, second = fixed.connect(), fixed.connect()
    assert (await first.ready())["connection_id"] != (await second.ready())["connection_id"]
    for client in (second, first):
        assert (await client.ask(type="ping"))["type"] == "pong"
        await client.leave()


async def test_session_is_resumed(fixed: Backend) -> None:
    first = fixed.connect()
    await first.ready()
    assert await first.chat("6 * 7") == "The calculator says: 6 * 7 = 42."
    await first.leave()
    second = fixed.connect()
    await second.ready()
    said = (await second.ask(type="history"))["messages"]
    assert [entry["role"] for entry in said] == ["user", "agent"]
    assert await second.chat("last + 1") == "The calculator says: last + 1 = 43."
    await second.leave()


async def test_bad_messages_leave_the_connection_open(fixed: Backend) -> None:
    client = fixed.connect()
    await client.ready()
    client.send(text="{")
    assert (await client.receive())["code"] == "bad_json"
    client.send(bytes=b"\x00")
    assert (await client.receive())["code"] == "bad_message"
    assert (await client.ask(type="ping"))["type"] == "pong"
    await client.leave()


async def test_token_as_a_subprotocol(fixed: Backend) -> None:
    client = Client(fixed.app, fixed.token(), as_subprotocol=True)
    assert (await client.event())["subprotocol"] == "bearer"
    await client.leave()


async def test_refuses_a_token_that_is_none(fixed: Backend) -> None:
    client = Client(fixed.app, "a.b.c")
    assert (await client.event())["type"] == "websocket.close"
    await client.served


async def test_refuses_a_revoked_token(fixed: Backend, auth_app: Starlette) -> None:
    token = fixed.token()
    transport = httpx.ASGITransport(auth_app)
    async with httpx.AsyncClient(base_url="http://auth", transport=transport) as http:
        await http.post("/revoke", data={"token": token})
    client = Client(fixed.app, token)
    assert (await client.event())["type"] == "websocket.close"
    await client.served


async def test_no_token_in_the_log(fixed: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    client = fixed.connect()
    await client.ready()
    await client.leave()
    await Client(fixed.app, "eyJ.b.c").event()
    assert "connection ready" in caplog.text
    assert "connection refused" in caplog.text
    assert "eyJ" not in caplog.text


async def test_agent_that_breaks_is_logged_and_the_connection_stays(
    fixed: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(name: str, arguments: str) -> None:
        raise LookupError("no such tool")

    monkeypatch.setattr("local_staging.chat_backend.agent.use_of", broken)
    client = fixed.connect()
    await client.ready()
    assert (await client.ask(type="chat", text="hello"))["type"] == "agent_started"
    assert (await client.receive())["type"] == "agent_thinking"
    assert (await client.receive())["code"] == "internal"
    assert (await client.ask(type="ping"))["type"] == "pong"
    await client.leave()
    assert "LookupError: no such tool" in caplog.text


async def test_a_model_that_does_not_answer_is_told_and_the_connection_stays(
    auth_app: Starlette, issuer: TokenIssuer, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(build_named("fixed"), "http://auth", MODEL)
    refusing = model_service.create_app("another key", AT_ONCE)
    app = create_app(settings, Network(auth=auth_app, model=refusing))
    async with app.router.lifespan_context(app):
        client = Backend(app, issuer).connect()
        await client.ready()
        assert (await client.ask(type="chat", text="hello"))["type"] == "agent_started"
        assert (await client.receive())["code"] == "model_unavailable"
        assert (await client.ask(type="ping"))["type"] == "pong"
        await client.leave()
    assert "run failed" in caplog.text
    assert "the model answered HTTP 401" in caplog.text
    assert KEY not in caplog.text


async def test_health_tells_the_build(incident: Backend) -> None:
    transport = httpx.ASGITransport(incident.app)
    async with httpx.AsyncClient(base_url="http://chat", transport=transport) as http:
        assert (await http.get("/health")).json() == {
            "status": "ok",
            "build": "incident",
            "warm": True,
        }


async def test_without_the_auth_service_it_starts_and_says_503(issuer: TokenIssuer) -> None:
    settings = Settings(build_named("fixed"), "http://auth", MODEL)
    app = create_app(settings, httpx.MockTransport(lambda request: httpx.Response(503)))
    async with app.router.lifespan_context(app):
        event = await Backend(app, issuer).connect().event()
        assert (event["type"], event["status"]) == ("websocket.http.response.start", 503)
