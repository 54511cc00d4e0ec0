"""How a person gets a token in a browser: an authorization code with PKCE (RFC 6749, RFC 7636)."""

from __future__ import annotations

import base64
import hashlib
import secrets
from urllib.parse import parse_qs, urlsplit

import httpx

from local_staging.auth_service.clients import CLIENTS

LOG_IN_S = 30.0
BROWSER = CLIENTS[0]


async def signed_in(auth_url: str, user: str) -> str:
    """Return a fresh access token of a user of the stand-in."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    client = {"client_id": BROWSER.client_id, "redirect_uri": BROWSER.redirect_uris[0]}
    asked = client | {
        "response_type": "code",
        "state": secrets.token_urlsafe(8),
        "code_challenge": base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    form = {"user": user, "password": f"{user}-staging-password"}
    async with httpx.AsyncClient(trust_env=False, timeout=LOG_IN_S, base_url=auth_url) as http:
        sent_back = await http.post("/authorize", params=asked, data=form)
        assert sent_back.status_code == 303, sent_back.text
        back = parse_qs(urlsplit(sent_back.headers["location"]).query)
        assert back["state"] == [asked["state"]]
        proof = {"code": back["code"][0], "code_verifier": verifier}
        grant = {"grant_type": "authorization_code", **client, **proof}
        granted = await http.post("/token", data=grant)
        granted.raise_for_status()
    token = granted.json()["access_token"]
    assert isinstance(token, str)
    return token
