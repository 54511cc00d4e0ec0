"""The HTTP interface of the model: the part of OpenAI's API that chats."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from local_staging.clock import unix_time_s
from local_staging.model_service.completion import (
    MODEL,
    BadRequest,
    Completion,
    asked_in,
    chunks,
    completion_of,
    whole,
)

FIRST_CHUNK_S = 0.015
CHUNK_S = 0.005
DONE = "data: [DONE]\n\n"

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long the model takes to the first piece of an answer, and to each of the others."""

    first_chunk_s: float = FIRST_CHUNK_S
    chunk_s: float = CHUNK_S


class ModelService:
    """The endpoints, for those who have the key."""

    def __init__(self, key: str, pace: Pace, pause: Pause) -> None:
        self._key = key
        self._pace = pace
        self._pause = pause

    async def complete(self, request: Request) -> Response:
        """Answer a conversation, in one piece or streamed as server-sent events."""
        if not self._has_key(request):
            return _error(401, "invalid_api_key", "expected Authorization: Bearer and the key")
        try:
            asked = asked_in(await request.body())
            completion = completion_of(asked)
        except BadRequest as error:
            return _error(400, "invalid_request_error", str(error))
        if asked.is_streamed:
            return StreamingResponse(self._streamed(completion), media_type="text/event-stream")
        await self._pause(self._pace.first_chunk_s)
        return JSONResponse(whole(completion, unix_time_s()))

    async def models(self, request: Request) -> JSONResponse:
        """List the one model that there is."""
        if not self._has_key(request):
            return _error(401, "invalid_api_key", "expected Authorization: Bearer and the key")
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model"}]})

    async def _streamed(self, completion: Completion) -> AsyncIterator[str]:
        pause_s = self._pace.first_chunk_s
        for chunk in chunks(completion, unix_time_s()):
            await self._pause(pause_s)
            yield f"data: {json.dumps(chunk)}\n\n"
            pause_s = self._pace.chunk_s
        yield DONE

    def _has_key(self, request: Request) -> bool:
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self._key}".encode())


def create_app(key: str, pace: Pace | None = None, pause: Pause = asyncio.sleep) -> Starlette:
    """Make the model service, for those who have `key`."""
    service = ModelService(key, pace or Pace(), pause)
    return Starlette(
        routes=[
            Route("/v1/chat/completions", service.complete, methods=["POST"]),
            Route("/v1/models", service.models),
            Route("/health", _health),
        ]
    )


async def _health(request: Request) -> JSONResponse:
    return JSONResponse({"status": "ok"})


def _error(status: int, code: str, text: str) -> JSONResponse:
    return JSONResponse({"error": {"message": text, "type": code, "code": code}}, status)
