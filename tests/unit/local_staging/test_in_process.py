"""The stand-in in one process, in a time that jumps: each sample that needs no other process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.routing import Route

from local_staging import in_process
from local_staging.errors import StagingError
from local_staging.in_process import Network
from local_staging.signing_key import write_signing_key


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("key") / "key.pem"
    write_signing_key(path)
    return path


async def said(request: Request) -> PlainTextResponse:
    body = (await request.body()).decode()
    return PlainTextResponse(f"{request.method} {request.url.path} {body}")


async def streamed(request: Request) -> StreamingResponse:
    async def pieces() -> AsyncIterator[bytes]:
        for piece in (b"a", b"b"):
            yield piece
            await asyncio.sleep(0.02)

    return StreamingResponse(pieces())


async def fails(request: Request) -> PlainTextResponse:
    raise LookupError("no such thing")


APP = Starlette(
    routes=[
        Route("/said", said, methods=["POST"]),
        Route("/streamed", streamed),
        Route("/fails", fails),
    ]
)


async def test_requests_reach_the_application_of_their_host() -> None:
    async with httpx.AsyncClient(transport=Network(auth=APP)) as http:
        answer = await http.post("http://auth/said?x=1", content="hello")
        assert answer.text == "POST /said hello"
        with pytest.raises(httpx.ConnectError, match="no model in this process"):
            await http.get("http://model/")
        assert (await http.get("http://auth/fails")).status_code == 500


async def test_what_is_streamed_comes_piece_by_piece() -> None:
    loop, came = asyncio.get_running_loop(), []
    async with (
        httpx.AsyncClient(transport=Network(auth=APP)) as http,
        http.stream("GET", "http://auth/streamed") as answer,
    ):
        async for piece in answer.aiter_bytes():
            came.append((piece, loop.time()))
    assert [piece for piece, _ in came] == [b"a", b"b"]
    assert came[1][1] - came[0][1] > 0.01


def test_builds_say_how_they_are_pinged(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AUTH_SIGNING_KEY_FILE", str(key))
    incident, fixed = in_process.incident(), in_process.fixed()
    assert incident.uvicorn_options["ws_ping_timeout"] == 90.0  # type: ignore[attr-defined]
    assert fixed.uvicorn_options["ws_ping_timeout"] == 20.0  # type: ignore[attr-defined]


def test_it_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTH_SIGNING_KEY_FILE", raising=False)
    with pytest.raises(StagingError, match="AUTH_SIGNING_KEY_FILE is not set"):
        in_process.incident()
