"""Who is it, and may they come in: the signature is checked here, revocation by the auth service.

The first takes no network, so the session of a user is found at once. The second is a round trip,
and is what takes the time between an upgrade request and its acceptance.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from starlette.datastructures import Headers

from local_staging.clock import monotonic_ns
from local_staging.tokens import Claims, InvalidToken, TokenVerifier, UnknownKey

SUBPROTOCOL = "bearer"
FETCH_KEYS_EVERY_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token, and how it came: as a subprotocol, which is to be accepted, or after the accept."""

    token: str = field(repr=False)
    subprotocol: str | None = None
    in_first_message: bool = False


class NoToken(InvalidToken):
    """The upgrade request has none; it may come as the first message."""


def credentials_of(headers: Headers, subprotocols: Sequence[str]) -> Credentials:
    """Return the token of an upgrade request. Raises NoToken."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return Credentials(token.strip())
    # Browsers cannot set headers on a WebSocket, so they send the token as a second subprotocol.
    if len(subprotocols) == 2 and subprotocols[0] == SUBPROTOCOL:
        return Credentials(subprotocols[1], SUBPROTOCOL)
    raise NoToken("there is none: send Authorization: Bearer, or subprotocols bearer and it")


def credentials_in(text: str) -> Credentials:
    """Return the token of a first message. Raises InvalidToken when it has none."""
    try:
        fields = json.loads(text)
    except (ValueError, RecursionError):
        fields = None
    match fields:
        case {"type": "auth", "token": str(token)} if token:
            return Credentials(token, in_first_message=True)
    raise InvalidToken('expected {"type": "auth", "token": …} as the first message')


async def asked(http: httpx.AsyncClient, method: str, path: str, **options: Any) -> httpx.Response:  # noqa: ANN401
    """Return the answer of a service to a request that may be repeated. Raises httpx.HTTPError.

    A connection that was kept may be closed at the moment at which it is used again.
    """
    try:
        response = await http.request(method, path, **options)
    except httpx.RemoteProtocolError:
        response = await http.request(method, path, **options)
    response.raise_for_status()
    return response


class Authenticator:
    """Checks tokens; `http` reaches the auth service, whose keys are fetched as they are needed."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        now_ns: Callable[[], int] = monotonic_ns,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._http = http
        self._now_ns = now_ns
        self._pause = pause
        self._verifier = TokenVerifier({})
        self._fetched_ns: int | None = None
        self._fetching = asyncio.Lock()

    async def identify(self, credentials: Credentials) -> Claims:
        """Say whose token this is. Raises InvalidToken, httpx.HTTPError without the keys."""
        try:
            return self._verifier.verify(credentials.token)
        except UnknownKey:
            # It may have been signed with a key that is newer than those we have.
            await self.fetch_keys()
            return self._verifier.verify(credentials.token)

    async def fetch_keys(self) -> None:
        """Have the keys as the auth service has them now. Raises httpx.HTTPError.

        Once a second at most, and all who ask meanwhile share the answer: else anybody could have
        us ask for keys as often as they make up a name for one.
        """
        asked_ns = self._now_ns()
        async with self._fetching:
            if self._fetched_ns is not None:
                if self._fetched_ns > asked_ns:
                    return
                early_ns = self._fetched_ns + FETCH_KEYS_EVERY_NS - self._now_ns()
                await self._pause(max(0, early_ns) / 1e9)
            began_ns = self._now_ns()
            response = await asked(self._http, "GET", "/.well-known/jwks.json")
            self._verifier = TokenVerifier.from_jwks(response.json())
            self._fetched_ns = began_ns

    async def is_active(self, credentials: Credentials) -> bool:
        """Ask whether the token is still good. Raises httpx.HTTPError."""
        response = await asked(self._http, "POST", "/introspect", data={"token": credentials.token})
        return response.json().get("active") is True
