"""Secrets of recordings, and what fills them."""

# ruff: noqa: ANN401  values are any JSON, fields those of the model

from __future__ import annotations

import shlex
import sys
from typing import Any

import jwt

from capture.format.model import Secret
from replay.auth import TokenSource, Wallet

NOW_S = 1_800_000_000
KEY = "a-key-of-at-least-thirty-two-bytes!"
CLAIMS = {"sub": "ann", "iat": 1, "nbf": 1, "exp": 901, "jti": "old", "scope": ["a", {"b": 1}]}
NOT_THE_TIMES = {"verify_exp": False, "verify_nbf": False, "verify_iat": False}


def jwt_secret(**changes: Any) -> Secret:
    fields: dict[str, Any] = {
        "id": "s1",
        "kind": "jwt",
        "where": "url query token",
        "algorithm": "HS256",
        "header": {"typ": "JWT", "kid": "key-7"},
        "claims": CLAIMS,
        "lifetime_s": 900,
    }
    return Secret(**fields | changes)


def plain(secret_id: str, kind: str, **fields: Any) -> Secret:
    return Secret(id=secret_id, kind=kind, where="header Authorization", **fields)


def wallet(source: TokenSource, *secrets: Secret) -> Wallet:
    return Wallet({secret.id: secret for secret in secrets}, source, now_s=lambda: NOW_S)


def python(code: str) -> str:
    return shlex.join([sys.executable, "-c", code])


def read(token: str, key: Any = KEY, algorithm: str = "HS256") -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], options=NOT_THE_TIMES)
    return claims
