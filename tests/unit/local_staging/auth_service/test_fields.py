from __future__ import annotations

import pytest
from starlette.requests import Request

from local_staging.auth_service.fields import BadFields, fields_of


def request(body: bytes, media_type: str) -> Request:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body}

    headers = [(b"content-type", media_type.encode())]
    return Request({"type": "http", "headers": headers}, receive)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"user=a%20b&password=c", "application/x-www-form-urlencoded"),
        (b'{"user": "a b", "password": "c", "age": 7}', "Application/JSON; charset=utf-8"),
    ],
)
async def test_reads_text_fields(body: bytes, media_type: str) -> None:
    assert await fields_of(request(body, media_type)) == {"user": "a b", "password": "c"}


async def test_nothing_is_no_fields() -> None:
    assert await fields_of(request(b"", "")) == {}


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (b"{", "application/json"),
        (b"[]", "application/json"),
        (b"user", ""),
        (b"\xff=1", ""),
        (b'{"user": "\\ud800"}', "application/json"),
        (b"[" * 100_000, "application/json"),
    ],
)
async def test_refuses_the_rest(body: bytes, media_type: str) -> None:
    with pytest.raises(BadFields):
        await fields_of(request(body, media_type))
