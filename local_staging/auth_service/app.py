"""The HTTP interface of the auth service."""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import secrets
from collections.abc import Callable
from urllib.parse import unquote, urlencode

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from local_staging.auth_service.clients import Client, client_named
from local_staging.auth_service.clients import authenticated as authenticated_client
from local_staging.auth_service.fields import BadFields, fields_of
from local_staging.auth_service.grants import Grants, InvalidGrant
from local_staging.auth_service.issuer import TokenIssuer
from local_staging.auth_service.used_tokens import UsedTokenIds
from local_staging.auth_service.users import authenticated, user_named
from local_staging.clock import unix_time_s
from local_staging.tokens import AUDIENCE, ISSUER, Claims, InvalidToken, TokenVerifier

LONGEST_DELAY_S = 60.0
# RFC 7636, 4.2: the hash of the verifier, without padding.
_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")

_LOGIN_PAGE = (
    "<!doctype html><title>Log in</title><form method=post>"
    "<input name=user autocomplete=username><input name=password type=password>"
    "<button>Log in</button></form>"
)

_log = logging.getLogger(__name__)


class AuthService:
    """The endpoints, over one issuer, and what was granted, used and revoked since the start."""

    def __init__(self, issuer: TokenIssuer, now_s: Callable[[], int], delay_s: float) -> None:
        self._issuer = issuer
        self._now_s = now_s
        self._delay_s = delay_s
        self._grants = Grants(lambda: secrets.token_urlsafe(32))
        self._used_once = UsedTokenIds()
        self._revoked_token_ids: set[str] = set()

    async def token(self, request: Request) -> JSONResponse:
        """Answer a grant with a token (RFC 6749, section 3.2)."""
        await asyncio.sleep(self._delay_s)
        fields = await fields_of(request)
        # Without a grant type it is the login by name and password.
        grant_type = fields.get("grant_type", "password")
        match grant_type:
            case "password":
                return self._password(fields)
            case "client_credentials" | "authorization_code" | "refresh_token":
                client = _client(request, fields)
                if client is None:
                    _log.info("client refused")
                    return _error(401, "invalid_client")
                return self._granted(grant_type, client, fields)
        return _error(400, "unsupported_grant_type")

    async def authorize(self, request: Request) -> Response:
        """Ask a person to log in, and send them back with a code (RFC 6749, section 3.1; RFC 7636).

        GET shows a form, POST is the form.
        """
        asked = dict(request.query_params)
        client = client_named(asked.get("client_id", ""))
        if client is None or asked.get("redirect_uri") not in client.redirect_uris:
            # Nobody is sent to a place that was not registered, be it with an error.
            return _error(400, "invalid_request", "the client or the redirect_uri is not known")
        if asked.get("response_type") != "code" or asked.get("code_challenge_method") != "S256":
            return _error(400, "invalid_request", "expected response_type=code and PKCE by S256")
        if not _CHALLENGE.fullmatch(asked.get("code_challenge", "")):
            return _error(400, "invalid_request", "expected a code_challenge of 43 characters")
        if request.method == "GET":
            return HTMLResponse(_LOGIN_PAGE)
        fields = await fields_of(request)
        user = authenticated(fields.get("user", ""), fields.get("password", ""))
        if user is None:
            _log.info("login refused")
            return HTMLResponse(_LOGIN_PAGE, status_code=401)
        code = self._grants.code(
            client.client_id,
            user.user_id,
            asked["redirect_uri"],
            asked["code_challenge"],
            self._now_s(),
        )
        _log.info("code issued user=%s client=%s", user.user_id, client.client_id)
        back = {"code": code} | ({"state": asked["state"]} if "state" in asked else {})
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", status_code=303)

    async def introspect(self, request: Request) -> JSONResponse:
        """Say whether a token is good at this moment (RFC 7662).

        Of one that is good once that is said once.
        """
        await asyncio.sleep(self._delay_s)
        try:
            claims = self._verified((await fields_of(request)).get("token", ""))
        except InvalidToken as error:
            _log.info("inactive token: %s", error)
            return JSONResponse({"active": False})
        if claims.token_id in self._revoked_token_ids:
            _log.info("inactive token: revoked user=%s", claims.user_id)
            return JSONResponse({"active": False})
        if claims.once and not self._used_once.use(
            claims.token_id, claims.expires_at_s, self._now_s()
        ):
            _log.info("inactive token: used before user=%s", claims.user_id)
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
            claims = self._verified((await fields_of(request)).get("token", ""))
        except InvalidToken:
            return JSONResponse({})
        self._revoked_token_ids.add(claims.token_id)
        _log.info("token revoked user=%s", claims.user_id)
        return JSONResponse({})

    async def rotate(self, request: Request) -> JSONResponse:
        """Sign with a new key from now on."""
        key_id = self._issuer.rotate(self._now_s())
        _log.info("key rotated: %s", key_id)
        return JSONResponse({"kid": key_id})

    async def delay(self, request: Request) -> JSONResponse:
        """Answer token and introspection requests so much later, from now on."""
        text = (await fields_of(request)).get("seconds", "")
        try:
            delay_s = float(text)
        except ValueError:
            delay_s = -1.0
        if not 0 <= delay_s <= LONGEST_DELAY_S:
            return _error(400, "invalid_request", f"expected seconds, 0 to {LONGEST_DELAY_S:g}")
        self._delay_s = delay_s
        return JSONResponse({"seconds": delay_s})

    async def jwks(self, request: Request) -> JSONResponse:
        """Publish the keys that tokens are checked with."""
        return JSONResponse(self._issuer.jwks(self._now_s()))

    async def metadata(self, request: Request) -> JSONResponse:
        """Publish what there is (RFC 8414)."""
        base = str(request.base_url).rstrip("/")
        return JSONResponse(
            {
                "issuer": ISSUER,
                "token_endpoint": f"{base}/token",
                "authorization_endpoint": f"{base}/authorize",
                "introspection_endpoint": f"{base}/introspect",
                "revocation_endpoint": f"{base}/revoke",
                "jwks_uri": f"{base}/.well-known/jwks.json",
                "response_types_supported": ["code"],
                "grant_types_supported": [
                    "authorization_code",
                    "client_credentials",
                    "password",
                    "refresh_token",
                ],
                "token_endpoint_auth_methods_supported": [
                    "client_secret_basic",
                    "client_secret_post",
                    "none",
                ],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def health(self, request: Request) -> JSONResponse:
        """Say that the service serves."""
        return JSONResponse({"status": "ok"})

    def _password(self, fields: dict[str, str]) -> JSONResponse:
        name = fields.get("user", fields.get("username", ""))
        user = authenticated(name, fields.get("password", ""))
        if user is None:
            _log.info("login refused")
            return _error(401, "invalid_grant")
        return self._issued(user.user_id, user.name, once=fields.get("once") == "true")

    def _granted(self, grant_type: str, client: Client, fields: dict[str, str]) -> JSONResponse:
        if grant_type == "client_credentials":
            if client.is_public:
                return _error(400, "unauthorized_client")
            return self._issued(client.client_id, client.name)
        now_s = self._now_s()
        try:
            if grant_type == "authorization_code":
                user_id, refresh = self._grants.redeem_code(
                    fields.get("code", ""),
                    client.client_id,
                    fields.get("redirect_uri", ""),
                    fields.get("code_verifier", ""),
                    now_s,
                )
            else:
                user_id, refresh = self._grants.redeem_refresh(
                    fields.get("refresh_token", ""), client.client_id, now_s
                )
        except InvalidGrant as error:
            _log.info("grant refused client=%s: %s", client.client_id, error)
            return _error(400, "invalid_grant", str(error))
        return self._issued(user_id, user_named(user_id).name, refresh)

    def _issued(
        self, subject: str, name: str, refresh: str | None = None, *, once: bool = False
    ) -> JSONResponse:
        _log.info("token issued user=%s", subject)
        issued: dict[str, object] = {
            "access_token": self._issuer.issue(subject, name, self._now_s(), once=once),
            "token_type": "Bearer",
            "expires_in": self._issuer.lifetime_s,
        }
        if refresh is not None:
            issued["refresh_token"] = refresh
        return JSONResponse(issued, headers={"cache-control": "no-store"})

    def _verified(self, token: str) -> Claims:
        return TokenVerifier.from_jwks(self._issuer.jwks(self._now_s())).verify(token)


def _client(request: Request, fields: dict[str, str]) -> Client | None:
    """Return who asks: by HTTP Basic, or by fields of the form."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return authenticated_client(fields.get("client_id", ""), fields.get("client_secret", ""))
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return None
    return authenticated_client(unquote(client_id), unquote(secret))


def _error(status: int, error: str, description: str | None = None) -> JSONResponse:
    more = {} if description is None else {"error_description": description}
    return JSONResponse({"error": error, **more}, status_code=status)


async def _bad_fields(request: Request, error: Exception) -> JSONResponse:
    return _error(400, "invalid_request", str(error))


def create_app(
    issuer: TokenIssuer, now_s: Callable[[], int] = unix_time_s, delay_s: float = 0.0
) -> Starlette:
    """Make the auth service; it answers for tokens `delay_s` later than it could."""
    service = AuthService(issuer, now_s, delay_s)
    return Starlette(
        routes=[
            Route("/token", service.token, methods=["POST"]),
            Route("/authorize", service.authorize, methods=["GET", "POST"]),
            Route("/introspect", service.introspect, methods=["POST"]),
            Route("/revoke", service.revoke, methods=["POST"]),
            Route("/rotate", service.rotate, methods=["POST"]),
            Route("/delay", service.delay, methods=["POST"]),
            Route("/.well-known/jwks.json", service.jwks),
            Route("/.well-known/oauth-authorization-server", service.metadata),
            Route("/health", service.health),
        ],
        exception_handlers={BadFields: _bad_fields},
    )
