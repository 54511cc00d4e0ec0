"""The stand-in as one ASGI application, with its services in the same process and no socket.

openssl genrsa -out key.pem 2048
export AUTH_SIGNING_KEY_FILE=key.pem
deadheat hunt CAPTURE --app local_staging.in_process:incident --jwt-key key.pem

Sessions and messages are kept in memory.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncIterator

import httpx
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message

from local_staging.auth_service import app as auth_service
from local_staging.auth_service.issuer import TokenIssuer
from local_staging.chat_backend import app as chat_backend
from local_staging.chat_backend.builds import build_named
from local_staging.chat_backend.settings import ModelAddress, Settings
from local_staging.model_service import app as model_service
from local_staging.model_service.completion import MODEL

# One way, within a data centre.
LATENCY_S = 0.000_5


def incident() -> Starlette:
    """Return the build with the five root causes."""
    return _chat("incident")


def fixed() -> Starlette:
    """Return the build that has them mended."""
    return _chat("fixed")


class Network(httpx.AsyncBaseTransport):
    """Reaches each application by its host; every message takes its time, and streams stream."""

    def __init__(self, latency_s: float = LATENCY_S, **apps: ASGIApp) -> None:
        self._latency_s = latency_s
        self._apps = apps

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, and return once its answer begins."""
        app = self._apps.get(request.url.host)
        if app is None:
            raise httpx.ConnectError(f"there is no {request.url.host} in this process")
        body = await request.aread()
        await asyncio.sleep(self._latency_s)
        answer = _Answer(self._latency_s)
        answer.serve(app, request, body)
        status, headers = await answer.begun
        await asyncio.sleep(self._latency_s)
        return httpx.Response(status, headers=headers, stream=answer)


class _Answer(httpx.AsyncByteStream):
    """What an application answers to one request, piece by piece."""

    def __init__(self, latency_s: float) -> None:
        self.begun: asyncio.Future[tuple[int, list[tuple[bytes, bytes]]]] = (
            asyncio.get_running_loop().create_future()
        )
        self._latency_s = latency_s
        self._pieces: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._left = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def serve(self, app: ASGIApp, request: httpx.Request, body: bytes) -> None:
        """Begin to answer."""
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": request.method,
            "scheme": request.url.scheme,
            "path": request.url.path,
            "raw_path": request.url.raw_path.partition(b"?")[0],
            "query_string": request.url.query,
            "root_path": "",
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "client": ("127.0.0.1", 1),
            "server": (request.url.host, 80),
        }
        asked: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def receive() -> Message:
            if asked:
                return asked.pop()
            await self._left.wait()
            return {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self.begun.set_result((message["status"], list(message["headers"])))
            elif message["type"] == "http.response.body":
                self._pieces.put_nowait(message.get("body", b""))
                if not message.get("more_body", False):
                    self._pieces.put_nowait(None)

        self._task = asyncio.create_task(self._served(app(scope, receive, send)))

    async def _served(self, answering: object) -> None:
        try:
            await answering  # type: ignore[misc]
        except Exception as error:
            if not self.begun.done():
                self.begun.set_exception(httpx.ReadError(repr(error)))
            raise
        finally:
            self._pieces.put_nowait(None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (piece := await self._pieces.get()) is not None:
            if piece:
                yield piece

    async def aclose(self) -> None:
        """Listen no longer."""
        self._left.set()


def _chat(build_name: str) -> Starlette:
    build = build_named(build_name)
    key = secrets.token_urlsafe()
    network = Network(
        auth=auth_service.create_app(TokenIssuer.from_environment(os.environ)),
        model=model_service.create_app(key),
    )
    settings = Settings(build, "http://auth", ModelAddress("http://model/v1", key, MODEL))
    app = chat_backend.create_app(settings, network)
    # As `run_service` has uvicorn serve it.
    app.uvicorn_options = {  # type: ignore[attr-defined]
        "ws": "websockets-sansio",
        "ws_ping_interval": settings.pings.interval_s,
        "ws_ping_timeout": settings.pings.timeout_s,
    }
    return app
