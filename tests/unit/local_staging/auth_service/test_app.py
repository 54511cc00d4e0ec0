from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from local_staging.auth_service.app import create_app
from local_staging.auth_service.issuer import TokenIssuer

LOGIN = {"user": "alice", "password": "alice-staging-password"}


@pytest.fixture
async def client(auth_app: Starlette) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(auth_app)
    async with httpx.AsyncClient(base_url="http://auth", transport=transport) as http:
        yield http


async def token_of(client: httpx.AsyncClient) -> str:
    token = (await client.post("/token", data=LOGIN)).json()["access_token"]
    assert isinstance(token, str)
    return token


async def introspected(client: httpx.AsyncClient, token: str) -> dict[str, Any]:
    answer = (await client.post("/introspect", data={"token": token})).json()
    assert isinstance(answer, dict)
    return answer


@pytest.mark.parametrize("how", ["data", "json"])
async def test_login_by_form_and_by_json(how: str, client: httpx.AsyncClient) -> None:
    response = await client.post("/token", **{how: LOGIN})  # type: ignore[arg-type]
    assert (response.status_code, response.json()["expires_in"]) == (200, 600)
    assert (await introspected(client, response.json()["access_token"]))["sub"] == "alice"


@pytest.mark.parametrize(
    "login",
    [{}, {"user": "alice"}, {**LOGIN, "password": "x"}, {**LOGIN, "user": "bob"}, {"user": ""}],
)
async def test_wrong_login_is_refused(login: dict[str, str], client: httpx.AsyncClient) -> None:
    response = await client.post("/token", json=login)
    assert (response.status_code, response.json()) == (401, {"error": "invalid_grant"})


async def test_fields_that_cannot_be_read_are_a_bad_request(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    for body in ("{", "[]", '"x"'):
        assert (await client.post("/token", content=body, headers=headers)).status_code == 400


async def test_introspection_tells_the_claims(client: httpx.AsyncClient) -> None:
    answer = await introspected(client, await token_of(client))
    assert answer["active"] is True
    assert set(answer) == {"active", "iss", "aud", "sub", "name", "iat", "exp", "jti"}


async def test_introspection_of_a_changed_token(client: httpx.AsyncClient) -> None:
    header, payload, signature = (await token_of(client)).split(".")
    flipped = ("B" if signature[0] == "A" else "A") + signature[1:]
    assert await introspected(client, f"{header}.{payload}.{flipped}") == {"active": False}


async def test_introspection_of_an_expired_token(issuer: TokenIssuer) -> None:
    app = create_app(issuer, now_s=lambda: 1_000_000)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(base_url="http://auth", transport=transport) as client:
        assert await introspected(client, await token_of(client)) == {"active": False}


async def test_revocation_ends_one_token_only(client: httpx.AsyncClient) -> None:
    revoked, other = await token_of(client), await token_of(client)
    assert (await client.post("/revoke", data={"token": revoked})).status_code == 200
    assert await introspected(client, revoked) == {"active": False}
    assert (await introspected(client, other))["active"] is True


async def test_jwks_holds_no_private_part(client: httpx.AsyncClient) -> None:
    (key,) = (await client.get("/.well-known/jwks.json")).json()["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert not {"d", "p", "q"} & set(key)
