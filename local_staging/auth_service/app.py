"""The HTTP interface of the auth service."""

from __future__ import annotations

import logging
from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from local_staging.auth_service.fields import BadFields, fields_of
from local_staging.auth_service.issuer import TokenIssuer
from local_staging.auth_service.users import authenticated
from local_staging.clock import unix_time_s
from local_staging.tokens import AUDIENCE, ISSUER, InvalidToken, TokenVerifier

_log = logging.getLogger(__name__)


class AuthService:
    """The endpoints, over one issuer and the tokens revoked since the start."""

    def __init__(self, issuer: TokenIssuer, now_s: Callable[[], int]) -> None:
        self._issuer = issuer
        self._verifier = TokenVerifier.from_jwks(issuer.jwks())
        self._now_s = now_s
        self._revoked_token_ids: set[str] = set()

    async def token(self, request: Request) -> JSONResponse:
        """Answer a user's name and password with a token."""
        fields = await fields_of(request)
        user = authenticated(fields.get("user", ""), fields.get("password", ""))
        if user is None:
            _log.info("login refused")
            return JSONResponse({"error": "invalid_grant"}, status_code=401)
        _log.info("token issued user=%s", user.user_id)
        return JSONResponse(
            {
                "access_token": self._issuer.issue(user, self._now_s()),
                "token_type": "Bearer",
                "expires_in": self._issuer.lifetime_s,
            },
            headers={"cache-control": "no-store"},
        )

    async def introspect(self, request: Request) -> JSONResponse:
        """Say whether a token is good at this moment (RFC 7662)."""
        try:
            claims = self._verifier.verify((await fields_of(request)).get("token", ""))
        except InvalidToken as error:
            _log.info("inactive token: %s", error)
            return JSONResponse({"active": False})
        if claims.token_id in self._revoked_token_ids:
            _log.info("inactive token: revoked user=%s", claims.user_id)
            return JSONResponse({"active": False})
        return JSONResponse(
            {
                "active": True,
                "iss": ISSUER,
                "aud": AUDIENCE,
                "sub": claims.user_id,
                "name": claims.name,
                "iat": claims.issued_at_s,
                "exp": claims.expires_at_s,
                "jti": claims.token_id,
            }
        )

    async def revoke(self, request: Request) -> JSONResponse:
        """End a token before its time; any other token gets the same answer (RFC 7009)."""
        try:
            claims = self._verifier.verify((await fields_of(request)).get("token", ""))
        except InvalidToken:
            return JSONResponse({})
        self._revoked_token_ids.add(claims.token_id)
        _log.info("token revoked user=%s", claims.user_id)
        return JSONResponse({})

    async def jwks(self, request: Request) -> JSONResponse:
        """Publish the key that tokens are checked with."""
        return JSONResponse(self._issuer.jwks())

    async def health(self, request: Request) -> JSONResponse:
        """Say that the service serves."""
        return JSONResponse({"status": "ok"})


async def _bad_fields(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse(
        {"error": "invalid_request", "error_description": str(error)}, status_code=400
    )


def create_app(issuer: TokenIssuer, now_s: Callable[[], int] = unix_time_s) -> Starlette:
    """Make the auth service."""
    service = AuthService(issuer, now_s)
    return Starlette(
        routes=[
            Route("/token", service.token, methods=["POST"]),
            Route("/introspect", service.introspect, methods=["POST"]),
            Route("/revoke", service.revoke, methods=["POST"]),
            Route("/.well-known/jwks.json", service.jwks),
            Route("/health", service.health),
        ],
        exception_handlers={BadFields: _bad_fields},
    )
