from __future__ import annotations

import asyncio

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.datastructures import Headers

from local_staging.auth_service.issuer import TokenIssuer
from local_staging.auth_service.users import USERS
from local_staging.chat_backend.authentication import (
    FETCH_KEYS_EVERY_NS,
    Authenticator,
    Credentials,
    credentials_in,
    credentials_of,
)
from local_staging.clock import unix_time_s
from local_staging.tokens import InvalidToken, UnknownKey


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_token_in_the_header(scheme: str) -> None:
    headers = Headers({"authorization": f"{scheme} abc"})
    assert credentials_of(headers, []) == Credentials("abc")


def test_token_as_a_subprotocol() -> None:
    assert credentials_of(Headers(), ["bearer", "abc"]) == Credentials("abc", "bearer")


@pytest.mark.parametrize("subprotocols", [[], ["bearer"], ["chat", "abc"], ["bearer", "a", "b"]])
def test_no_token(subprotocols: list[str]) -> None:
    with pytest.raises(InvalidToken):
        credentials_of(Headers({"authorization": "Basic abc"}), subprotocols)


def test_token_in_the_first_message() -> None:
    credentials = credentials_in('{"type": "auth", "token": "abc"}')
    assert credentials == Credentials("abc", in_first_message=True)


@pytest.mark.parametrize(
    "text", ['{"type": "chat"}', '{"type": "auth"}', '{"type": "auth", "token": ""}', "abc", "[1]"]
)
def test_a_first_message_without_a_token(text: str) -> None:
    with pytest.raises(InvalidToken, match="as the first message"):
        credentials_in(text)


def test_token_is_not_in_the_representation() -> None:
    assert "abc" not in repr(Credentials("abc"))


class AuthService:
    """Publishes the keys it has, when it is there; time moves when told to."""

    def __init__(self) -> None:
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.issuer = TokenIssuer(key, 60)
        self.published = self.issuer.jwks(unix_time_s())
        self.status = 200
        self.times_asked = 0
        self.now_ns = 0
        transport = httpx.MockTransport(self._answer)
        http = httpx.AsyncClient(base_url="http://auth", transport=transport)
        self.authenticator = Authenticator(http, lambda: self.now_ns, self._pause)

    def token(self) -> Credentials:
        return Credentials(self.issuer.issue(USERS[0].user_id, USERS[0].name, unix_time_s()))

    async def _pause(self, seconds: float) -> None:
        await asyncio.sleep(0)
        self.now_ns += round(seconds * 1e9)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.times_asked += 1
        return httpx.Response(self.status, json=self.published)


async def test_keys_are_fetched_with_the_first_token() -> None:
    auth = AuthService()
    for _ in range(3):
        assert (await auth.authenticator.identify(auth.token())).user_id == USERS[0].user_id
    assert auth.times_asked == 1


async def test_a_new_key_is_fetched_once_a_second_at_most() -> None:
    auth = AuthService()
    known, auth.published = auth.published, {"keys": []}
    for times in range(1, 4):
        with pytest.raises(UnknownKey):
            await auth.authenticator.identify(auth.token())
        assert auth.times_asked == times
        assert auth.now_ns == (times - 1) * FETCH_KEYS_EVERY_NS
    auth.published = known
    assert (await auth.authenticator.identify(auth.token())).user_id == USERS[0].user_id


async def test_all_who_ask_at_once_share_the_answer() -> None:
    auth = AuthService()
    auth.now_ns = 5
    known, auth.published = auth.published, {"keys": []}
    with pytest.raises(UnknownKey):
        await auth.authenticator.identify(auth.token())
    auth.published = known
    tokens = [auth.token() for _ in range(20)]
    await asyncio.gather(*map(auth.authenticator.identify, tokens))
    assert auth.times_asked == 2


async def test_without_the_auth_service_it_says_so_and_asks_again() -> None:
    auth = AuthService()
    auth.status = 503
    with pytest.raises(httpx.HTTPStatusError):
        await auth.authenticator.identify(auth.token())
    auth.status = 200
    assert (await auth.authenticator.identify(auth.token())).user_id == USERS[0].user_id
