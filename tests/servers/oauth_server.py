"""An OAuth 2 authorization server that forgives nothing. Prints its port.

Clients: `robot` (secret in SECRET, as HTTP Basic), `poster` (the same, in the form) and `app` (no
secret, PKCE wanted). Refresh tokens rotate; one that is used twice takes its family with it. Access
tokens are RS256 JWTs that live LIFETIME seconds, their key is at /jwks; /asked has what was asked.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import secrets
import socket
import time
from urllib.parse import parse_qsl, urlencode

import jwt
import uvicorn
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SECRET = os.environ["SECRET"]
LIFETIME_S = int(os.environ.get("LIFETIME", "3600"))
asked: list[str] = []
codes: dict[str, dict[str, str]] = {}
families: dict[str, str] = {}
used: dict[str, str] = {}


class Refused(Exception):
    pass


def require(holds: bool, error: str) -> None:
    if not holds:
        raise Refused(error)


def client_of(request: Request, form: dict[str, str]) -> str:
    """Return who asks, as that client has to say it and in no other way."""
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme == "Basic":
        name, _, secret = base64.b64decode(credentials).decode().partition(":")
        require(name == "robot" and secrets.compare_digest(secret, SECRET), "invalid_client")
        require("client_secret" not in form, "invalid_request")
        return name
    name = form.get("client_id", "")
    if name == "poster":
        require(secrets.compare_digest(form.get("client_secret", ""), SECRET), "invalid_client")
    else:
        require(name == "app" and "client_secret" not in form, "invalid_client")
    return name


def issued(client: str, family: str | None, audience: str = "") -> JSONResponse:
    now_s = int(time.time())  # noqa: TID251  a server, as any other
    claims = {"sub": client, "iat": now_s, "exp": now_s + LIFETIME_S, "jti": secrets.token_hex(8)}
    if audience:
        claims["aud"] = audience
    token = jwt.encode(claims, KEY, "RS256", {"kid": "k1"})
    answer = {"access_token": token, "token_type": "Bearer", "expires_in": LIFETIME_S}
    if family is not None:
        refresh = secrets.token_urlsafe(24)
        families[refresh] = family
        answer["refresh_token"] = refresh
    return JSONResponse(answer, headers={"Cache-Control": "no-store"})


def by_code(client: str, form: dict[str, str]) -> Response:
    granted = codes.pop(form.get("code", ""), None)
    require(granted is not None, "invalid_grant")
    assert granted is not None
    require(granted["client_id"] == client, "invalid_grant")
    require(granted["redirect_uri"] == form.get("redirect_uri"), "invalid_grant")
    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
    challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
    require(challenge == granted["code_challenge"], "invalid_grant")
    return issued(client, secrets.token_hex(4))


def by_refresh(client: str, form: dict[str, str]) -> Response:
    token = form.get("refresh_token", "")
    if token == os.environ.get("FIRST_REFRESH") and token not in used:
        families[token] = "first"
    if token in used:
        for each in [each for each, family in families.items() if family == used[token]]:
            del families[each]
        raise Refused("invalid_grant")
    family = families.pop(token, None)
    require(family is not None, "invalid_grant")
    assert family is not None
    used[token] = family
    return issued(client, family)


async def token(request: Request) -> Response:
    pairs = parse_qsl((await request.body()).decode(), strict_parsing=True)
    form = dict(pairs)
    asked.append(form.get("grant_type", ""))
    try:
        require(len(form) == len(pairs), "invalid_request")
        client = client_of(request, form)
        match form.get("grant_type"):
            case "client_credentials":
                require(client != "app", "unauthorized_client")
                return issued(client, None, form.get("audience", ""))
            case "authorization_code":
                return by_code(client, form)
            case "refresh_token":
                return by_refresh(client, form)
        raise Refused("unsupported_grant_type")
    except Refused as refused:
        # As some do, it repeats what it was sent.
        described = f"{refused}: {form.get('refresh_token') or form.get('code') or SECRET}"
        return JSONResponse({"error": str(refused), "error_description": described}, 400)


async def authorize(request: Request) -> Response:
    """Send the code back at once with DIRECT, else show a page that a person has to click on."""
    asked.append("authorize")
    query = dict(request.query_params)
    if query.get("code_challenge_method") != "S256" or not query.get("state"):
        return JSONResponse({"error": "invalid_request"}, 400)
    if os.environ.get("DIRECT"):
        return approve_now(query)
    return HTMLResponse("<a href=/approve>Sign in</a>")


async def approve(request: Request) -> Response:
    return approve_now(dict(request.query_params))


def approve_now(query: dict[str, str]) -> Response:
    code = secrets.token_urlsafe(24)
    codes[code] = query
    state = os.environ.get("FORGED_STATE") or query["state"]
    return RedirectResponse(
        f"{query['redirect_uri']}?{urlencode({'code': code, 'state': state})}", 302
    )


async def jwks(_: Request) -> Response:
    key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
    return JSONResponse({"keys": [key | {"kid": "k1", "alg": "RS256", "use": "sig"}]})


async def strange(request: Request) -> Response:
    """Answer as no token endpoint does."""
    match request.path_params["how"]:
        case "html":
            return HTMLResponse("<h1>login</h1>")
        case "broken":
            return Response("oops", 503)
        case "redirect":
            return RedirectResponse("http://elsewhere.example/token", 307)
        case "empty":
            return JSONResponse({"token_type": "Bearer"})
    return JSONResponse(["a list"])


async def asked_so_far(_: Request) -> Response:
    return JSONResponse(asked)


listening = socket.socket()
listening.bind(("127.0.0.1", 0))
print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
app = Starlette(
    routes=[
        Route("/token", token, methods=["POST"]),
        Route("/authorize", authorize),
        Route("/approve", approve),
        Route("/jwks", jwks),
        Route("/strange/{how}", strange, methods=["POST"]),
        Route("/asked", asked_so_far),
    ]
)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listening])
