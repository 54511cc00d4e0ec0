from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import jwt
import pytest
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import AsyncOAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
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


WEB = {"client_id": "chat-web", "redirect_uri": "http://127.0.0.1:8400/callback"}
WORKER = ("chat-worker", "chat-worker-staging-secret")


def authlib_client(auth_app: Starlette, **options: Any) -> AsyncOAuth2Client:  # noqa: ANN401
    transport = httpx.ASGITransport(auth_app)
    return AsyncOAuth2Client(
        transport=transport, base_url="http://auth", token_endpoint="http://auth/token", **options
    )


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
async def test_client_credentials_by_a_library(method: str, auth_app: Starlette) -> None:
    client_id, secret = WORKER
    async with authlib_client(
        auth_app, client_id=client_id, client_secret=secret, token_endpoint_auth_method=method
    ) as oauth:
        token = await oauth.fetch_token(grant_type="client_credentials")
        assert "refresh_token" not in token
        answer = await oauth.post("/introspect", data={"token": token["access_token"]})
        assert answer.json()["sub"] == "chat-worker"


async def code_for(client: httpx.AsyncClient, verifier: str, **more: str) -> httpx.Response:
    asked = {
        **WEB,
        "response_type": "code",
        "code_challenge": create_s256_code_challenge(verifier),
        "code_challenge_method": "S256",
        "state": "xyz",
        **more,
    }
    return await client.post("/authorize", params=asked, data=LOGIN)


async def test_authorization_code_with_pkce_and_refresh_by_a_library(
    auth_app: Starlette, client: httpx.AsyncClient
) -> None:
    async with authlib_client(
        auth_app,
        client_id="chat-web",
        redirect_uri=WEB["redirect_uri"],
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    ) as oauth:
        verifier = generate_token(48)
        url, state = oauth.create_authorization_url("http://auth/authorize", code_verifier=verifier)
        assert "<form" in (await client.get(url)).text
        sent_back = (await client.post(url, data=LOGIN)).headers["location"]
        assert sent_back.startswith(f"{WEB['redirect_uri']}?code=")
        first = await oauth.fetch_token(
            authorization_response=sent_back, state=state, code_verifier=verifier
        )
        second = await oauth.refresh_token("http://auth/token", first["refresh_token"])
        for token in (first, second):
            assert (await introspected(client, token["access_token"]))["sub"] == "alice"
        # The first refresh token comes again: whoever has it, the login is over.
        again = {"grant_type": "refresh_token", "client_id": "chat-web"}
        for token in (first, second):
            data = {**again, "refresh_token": token["refresh_token"]}
            response = await client.post("/token", data=data)
            assert (response.status_code, response.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    "wrong",
    [
        {"redirect_uri": "http://127.0.0.1:8400/callback/"},
        {"client_id": "nobody"},
        {"response_type": "token"},
        {"code_challenge_method": "plain"},
        {"code_challenge": ""},
    ],
)
async def test_an_authorization_that_is_not_shown(
    wrong: dict[str, str], client: httpx.AsyncClient
) -> None:
    response = await code_for(client, "v" * 43, **wrong)
    assert (response.status_code, response.json()["error"]) == (400, "invalid_request")


async def test_a_wrong_password_sends_nobody_back(client: httpx.AsyncClient) -> None:
    asked = {
        **WEB,
        "response_type": "code",
        "code_challenge": "x" * 43,
        "code_challenge_method": "S256",
    }
    response = await client.post("/authorize", params=asked, data={**LOGIN, "password": "x"})
    assert response.status_code == 401


@pytest.mark.parametrize(
    ("fields", "status", "error"),
    [
        ({"grant_type": "client_credentials", "client_id": "chat-worker"}, 401, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "chat-web"}, 400, "unauthorized_client"),
        ({"grant_type": "authorization_code", **WEB, "code": "x"}, 400, "invalid_grant"),
        ({"grant_type": "implicit"}, 400, "unsupported_grant_type"),
    ],
)
async def test_a_grant_that_is_refused(
    fields: dict[str, str], status: int, error: str, client: httpx.AsyncClient
) -> None:
    response = await client.post("/token", data=fields)
    assert (response.status_code, response.json()["error"]) == (status, error)


async def test_a_token_that_is_good_once(client: httpx.AsyncClient) -> None:
    issued = (await client.post("/token", data={**LOGIN, "once": "true"})).json()["access_token"]
    assert (await introspected(client, issued))["active"] is True
    assert await introspected(client, issued) == {"active": False}


async def test_tokens_of_a_replaced_key_are_good(client: httpx.AsyncClient) -> None:
    old = await token_of(client)
    rotated = await client.post("/rotate")
    new = await token_of(client)
    assert jwt.get_unverified_header(new)["kid"] == rotated.json()["kid"]
    for token in (old, new):
        assert (await introspected(client, token))["active"] is True


async def test_answers_come_later_when_asked_to(client: httpx.AsyncClient) -> None:
    assert (await client.post("/delay", data={"seconds": "0.1"})).json() == {"seconds": 0.1}
    began_s = asyncio.get_running_loop().time()
    await token_of(client)
    assert asyncio.get_running_loop().time() - began_s >= 0.1
    for seconds in ("-1", "61", "nan", "x"):
        assert (await client.post("/delay", data={"seconds": seconds})).status_code == 400


async def test_the_metadata_names_what_is_there(client: httpx.AsyncClient) -> None:
    told = (await client.get("/.well-known/oauth-authorization-server")).json()
    assert told["token_endpoint"] == "http://auth/token"
    assert (await client.get(told["jwks_uri"])).json()["keys"]
