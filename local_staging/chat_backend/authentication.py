"""Who is it, and may they come in: the signature is checked here, revocation by the auth service.

The first takes no network, so the session of a user is found at once. The second is a round trip,
and is what takes the time between an upgrade request and its acceptance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import httpx
from starlette.datastructures import Headers

from local_staging.tokens import Claims, InvalidToken, TokenVerifier

SUBPROTOCOL = "bearer"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A token, and the subprotocol to accept when it came as one."""

    token: str = field(repr=False)
    subprotocol: str | None = None


def credentials_of(headers: Headers, subprotocols: Sequence[str]) -> Credentials:
    """Return the token of an upgrade request. Raises InvalidToken when it has none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return Credentials(token.strip())
    # Browsers cannot set headers on a WebSocket, so they send the token as a second subprotocol.
    if len(subprotocols) == 2 and subprotocols[0] == SUBPROTOCOL:
        return Credentials(subprotocols[1], SUBPROTOCOL)
    raise InvalidToken("there is none: send Authorization: Bearer, or subprotocols bearer and it")


class Authenticator:
    """Checks tokens; `http` reaches the auth service."""

    def __init__(self, http: httpx.AsyncClient, verifier: TokenVerifier) -> None:
        self._http = http
        self._verifier = verifier

    @classmethod
    async def connected(cls, http: httpx.AsyncClient) -> Authenticator:
        """Fetch the keys of the auth service. Raises httpx.HTTPError when it is out of reach."""
        response = await http.get("/.well-known/jwks.json")
        response.raise_for_status()
        return cls(http, TokenVerifier.from_jwks(response.json()))

    def identify(self, credentials: Credentials) -> Claims:
        """Say whose token this is. Raises InvalidToken."""
        return self._verifier.verify(credentials.token)

    async def is_active(self, credentials: Credentials) -> bool:
        """Ask whether the token is still good. Raises httpx.HTTPError."""
        response = await self._http.post("/introspect", data={"token": credentials.token})
        response.raise_for_status()
        return response.json().get("active") is True
