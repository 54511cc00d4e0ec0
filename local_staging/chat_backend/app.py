"""The interface of the chat backend: /ws and /health."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from local_staging.chat_backend.agent import Agent, Model
from local_staging.chat_backend.authentication import (
    Authenticator,
    Credentials,
    NoToken,
    asked,
    credentials_in,
    credentials_of,
)
from local_staging.chat_backend.background import Background
from local_staging.chat_backend.builds import Socket
from local_staging.chat_backend.connection import Arrival, Connection, refuse, unavailable
from local_staging.chat_backend.failures import described, root_cause
from local_staging.chat_backend.model_client import ModelClient
from local_staging.chat_backend.readiness import Check
from local_staging.chat_backend.sessions import Session, Sessions
from local_staging.chat_backend.settings import Settings
from local_staging.chat_backend.storage import MemoryStorage, Storage
from local_staging.tokens import Claims, InvalidToken

AUTH_TIMEOUT_S = 5.0
AUTH_CHECK_S = 6.0

# How long a client that sent no token with its upgrade request may take to send one.
FIRST_MESSAGE_S = 10.0

SWEEP_S = 2.0

# Less than the 10 s after which Cloud Run kills, the 2 s of uvicorn's own shutdown before it.
DRAIN_S = 6.0

# Of silence: an answer may take longer, as long as there is more of it.
MODEL_TIMEOUT_S = 30.0

# Less than the 5 s after which uvicorn drops an idle connection: a request sent into that moment
# would fail.
KEEPALIVE_S = 2.0

_log = logging.getLogger(__name__)


class ChatBackend:
    """The endpoints, over the sessions of this process."""

    def __init__(
        self,
        settings: Settings,
        authenticator: Authenticator,
        storage: Storage,
        model: Model,
        checks: Sequence[Check],
    ) -> None:
        self._build = settings.build
        self._authenticator = authenticator
        self._storage = storage
        self._model = model
        self._checks = checks
        self.is_warm = False
        self._arrivals: set[WebSocket] = set()
        self._background = Background()
        self._sessions = Sessions(
            self._new_session, settings.reconnect_grace_s, asyncio.get_running_loop()
        )
        storage.listen(self._fetch)

    async def chat(self, websocket: WebSocket) -> None:
        """Serve one WebSocket connection."""
        self._arrivals.add(websocket)
        try:
            await self._chat(websocket)
        finally:
            self._arrivals.discard(websocket)

    @property
    def has_arrivals(self) -> bool:
        """Whether there are clients that were not told yet that they may begin."""
        return bool(self._arrivals)

    async def _chat(self, websocket: WebSocket) -> None:
        is_warm = self.is_warm
        socket = self._build.socket(websocket)
        try:
            credentials = await _credentials(websocket, socket)
            claims = await self._authenticator.identify(credentials)
        except InvalidToken as error:
            await refuse(websocket, f"the token is not valid: {error}")
            return
        except WebSocketDisconnect:
            _log.info("client left before it said who it is")
            return
        except httpx.HTTPError as error:
            _log.error("connection refused: no keys to check tokens with: %r", error)
            await unavailable(websocket, "the auth service is away")
            return
        user_id = claims.user_id
        readiness = await self._build.readiness(self._checks)
        if not readiness.is_ready:
            _log.error("connection refused user=%s %s", user_id, readiness)
            await unavailable(websocket, str(readiness))
            return
        session = self._sessions.join(claims)
        connection = Connection(
            Arrival(websocket, socket, credentials),
            session,
            self._authenticator,
            self._build,
            is_warm=is_warm,
            has_arrived=lambda: self._arrivals.discard(websocket),
        )
        try:
            await connection.serve()
        except Exception as error:
            cause = described(root_cause(error))
            _log.error("connection failed connection=%s user=%s %s", connection.id, user_id, cause)
            # The server logs the traceback, and answers 500 if the handshake is still open.
            raise
        finally:
            self._sessions.leave(session, accepted=connection.accepted)

    async def warm_up(self) -> None:
        """Have all that serving takes at hand, or know what is missing."""
        try:
            await self._authenticator.fetch_keys()
        except httpx.HTTPError as error:
            _log.warning("no keys to check tokens with yet: %r", error)
        readiness = await self._build.readiness(self._checks)
        self.is_warm = True
        _log.info("warm: %s", readiness)

    def health(self) -> JSONResponse:
        """Say that the service serves, which build it is, and whether it has all at hand."""
        return JSONResponse({"status": "ok", "build": self._build.name, "warm": self.is_warm})

    async def close(self) -> None:
        """Finish what was begun, within the time that a stopping container has, and close."""
        if not await self._sessions.drained(DRAIN_S):
            _log.warning("work was cut off: it took longer than %g s", DRAIN_S)
        await self._storage.close()

    def _new_session(self, user: Claims) -> Session:
        # The factory of all that belongs to one user: nothing here is shared between two of them.
        storage = self._storage.of_user(user.user_id, user.name)
        return Session(user.user_id, storage, Agent(storage.transcript, self._model, asyncio.sleep))

    async def sweep(self) -> None:
        """Look, for ever, for what others left: to be told of it at once may fail."""
        while True:
            await asyncio.sleep(SWEEP_S)
            for session in self._sessions:
                self._fetch(session.user_id)

    def _fetch(self, user_id: str) -> None:
        session = self._sessions.of_user(user_id)
        if session is not None:
            self._background.run(session.undelivered.fetch())


def create_app(settings: Settings, transport: httpx.AsyncBaseTransport | None = None) -> Starlette:
    """Make the chat backend; `transport` stands in for the network to the services it asks."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        async with (
            _http(settings.auth_url, AUTH_TIMEOUT_S, transport) as auth,
            _http(settings.model.url, MODEL_TIMEOUT_S, transport, settings.model.key) as to_model,
        ):
            storage = storage_of(settings)
            backend = app.state.backend = ChatBackend(
                settings,
                Authenticator(auth),
                storage,
                ModelClient(to_model, settings.model.name, asyncio.sleep),
                [*checks_of(auth), *storage.checks()],
            )
            warming = asyncio.create_task(backend.warm_up())
            sweeping = asyncio.create_task(backend.sweep())
            if settings.build.is_warm_before_it_listens:
                await warming
            yield
            warming.cancel()
            sweeping.cancel()
            await backend.close()

    return Starlette(
        routes=[WebSocketRoute("/ws", _chat), Route("/health", _health)], lifespan=lifespan
    )


def _http(
    url: str, timeout_s: float, transport: httpx.AsyncBaseTransport | None, key: str | None = None
) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=url,
        headers={} if key is None else {"Authorization": f"Bearer {key}"},
        transport=transport,
        timeout=timeout_s,
        limits=httpx.Limits(keepalive_expiry=KEEPALIVE_S),
        # Services call each other directly, whatever proxy the environment names.
        trust_env=False,
    )


def storage_of(settings: Settings) -> Storage:
    """Return where this process keeps what it has to keep."""
    services = settings.services
    if services is None:
        return MemoryStorage()
    # Imported late: whoever keeps all in memory needs no client of a database.
    from local_staging.chat_backend.service_storage import ServiceStorage

    return ServiceStorage(services.redis_url, services.postgres_url, services.namespace)


def checks_of(auth: httpx.AsyncClient) -> list[Check]:
    """Return what a connection needs, each with the time that it may take."""

    async def ask_auth() -> None:
        # How long that may take is the check's, not the client's.
        await asked(auth, "GET", "/health", timeout=None)

    return [Check("auth service", ask_auth, AUTH_CHECK_S)]


async def _credentials(websocket: WebSocket, socket: Socket) -> Credentials:
    """Return a client's token, from its upgrade request or its first message.

    Raises InvalidToken, WebSocketDisconnect when it left.
    """
    try:
        return credentials_of(websocket.headers, websocket.scope["subprotocols"])
    except NoToken:
        await socket.accept()
    try:
        async with asyncio.timeout(FIRST_MESSAGE_S):
            return credentials_in(await socket.receive_text())
    except TimeoutError:
        raise InvalidToken(f"none came within {FIRST_MESSAGE_S:g} s") from None
    except KeyError:
        # This is how Starlette says that the message was binary.
        raise InvalidToken("expected text as the first message, not binary") from None


async def _chat(websocket: WebSocket) -> None:
    await websocket.app.state.backend.chat(websocket)


async def _health(request: Request) -> JSONResponse:
    backend: ChatBackend = request.app.state.backend
    return backend.health()
