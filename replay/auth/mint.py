"""A recorded JWT made anew: the same claims, header and algorithm, signed at another time."""

from __future__ import annotations

import json
import re
import uuid
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, TypeGuard

import jwt
from cryptography.exceptions import UnsupportedAlgorithm

from capture.format.model import Secret
from replay.errors import NoToken

DEFAULT_LIFETIME_S = 3600
# Claims of an application's own that hold a time: session_exp, expiresAt, last_login_time.
_CALLED_A_TIME = re.compile(
    r"(?:^|[_.:/-])(?:exp|iat|nbf|at|time|timestamp|expires|expiry|issued)$"
    r"|[a-z](?:Exp|Iat|At|Time|Timestamp|Expires|Expiry)$"
    r"|^(?:expires|expiry|updated_at|issued)",
)
# A number under such a name is a time when it is near the recorded one: an id seldom is.
_NEAR_S = 10 * 366 * 86_400
_NEEDED_KEYS = {
    "HS": "a shared secret",
    "RS": "a private RSA key in PEM or JWK form",
    "PS": "a private RSA key in PEM or JWK form",
    "ES": "a private key of that algorithm's elliptic curve in PEM or JWK form",
    "Ed": "a private Ed25519 or Ed448 key in PEM or JWK form",
}


def mint(secret: Secret, key: str | bytes, now_s: int) -> str:
    """Return a JWT with the recorded claims, header and algorithm, fresh times and a fresh jti.

    `key` is a shared secret, a PEM, a JWK, or a set of JWKs that has the recorded kid.
    Raises NoToken, which shows nothing of the key.
    """
    algorithm = secret.algorithm or "HS256"
    # Without a typ the library writes one; an empty one it leaves out.
    header = {"typ": ""} | {name: value for name, value in secret.header.items() if name != "alg"}
    try:
        with warnings.catch_warnings():
            # How long the key is was decided by the server.
            warnings.simplefilter("ignore")
            return jwt.encode(
                fresh_claims(secret, now_s),
                _signing_key(key, algorithm, secret.header.get("kid")),
                algorithm=algorithm,
                headers=header,
            )
    except (
        *(jwt.PyJWTError, UnsupportedAlgorithm, NotImplementedError),
        *(ValueError, TypeError, AttributeError),
    ):
        # What libraries say of a key may quote it.
        raise NoToken(_does_not_fit(algorithm, key)) from None


def fresh_claims(secret: Secret, now_s: int) -> dict[str, Any]:
    """Return the recorded claims as if the token had been issued `now_s`.

    iat and auth_time become now, exp now and the recorded lifetime, jti is new. Other claims that
    are called a time, and hold one, keep their distance from the recorded time of issue.
    """
    recorded_s = _issued_s(secret)
    claims = _shifted(dict(secret.claims), recorded_s, now_s)
    lifetime_s = DEFAULT_LIFETIME_S if secret.lifetime_s is None else secret.lifetime_s
    fresh = {"iat": now_s, "nbf": now_s, "exp": now_s + lifetime_s, "auth_time": now_s}
    if recorded_s is not None and _is_number(nbf := secret.claims.get("nbf")):
        # Some are valid from a little before, so that clocks may differ.
        fresh["nbf"] = now_s + min(0, int(nbf - recorded_s))
    claims |= {name: value for name, value in fresh.items() if name in claims}
    if "jti" in claims:
        claims["jti"] = str(uuid.uuid4())
    return claims


def _issued_s(secret: Secret) -> float | None:
    """Return when the recorded token was issued, as well as it is known."""
    claims, lifetime_s = secret.claims, secret.lifetime_s
    if _is_number(issued := claims.get("iat")):
        return float(issued)
    if _is_number(expires := claims.get("exp")) and lifetime_s is not None:
        return float(expires) - lifetime_s
    return next((float(s) for n in ("nbf", "auth_time") if _is_number(s := claims.get(n))), None)


def _shifted(claims: dict[str, Any], recorded_s: float | None, now_s: int) -> dict[str, Any]:
    if recorded_s is None:
        return claims
    by_s = now_s - recorded_s

    def moved(name: str, value: Any) -> Any:  # noqa: ANN401  any JSON
        if isinstance(value, dict):
            return {inner: moved(inner, each) for inner, each in value.items()}
        if not _is_number(value) or not _CALLED_A_TIME.search(name):
            return value
        for per_s in (1, 1000):
            if abs(value / per_s - recorded_s) < _NEAR_S and value / per_s > _NEAR_S:
                return type(value)(value + by_s * per_s)
        return value

    return {name: moved(name, value) for name, value in claims.items()}


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _signing_key(key: str | bytes, algorithm: str, kid: object) -> Any:  # noqa: ANN401  a key object
    """Return what to sign with."""
    if isinstance(key, bytes) or not key.startswith("{"):
        return _read(key, algorithm)
    try:
        content = json.loads(key)
    except ValueError:
        return _read(key, algorithm)
    jwk = _chosen(content, kid)
    return _read(key, algorithm) if jwk is None else jwt.PyJWK.from_dict(jwk, algorithm).key


# To read a private RSA key takes longer than most replays in virtual time.
@lru_cache(maxsize=8)
def _read(key: str | bytes, algorithm: str) -> Any:  # noqa: ANN401  a key object
    return jwt.get_algorithm_by_name(algorithm).prepare_key(key)


def _chosen(content: Mapping[str, Any], kid: object) -> dict[str, Any] | None:
    """Return the key of a JWK, or of a set the one with the recorded kid; None: it is neither."""
    keys = content.get("keys")
    if not isinstance(keys, list):
        return dict(content) if "kty" in content else None
    named = [each for each in keys if isinstance(each, dict) and each.get("kid") == kid]
    if not named and len(keys) != 1:
        raise NoToken(
            f"the recorded token was signed with key {kid!r}, and none of the {len(keys)} keys in "
            "the set that --jwt-key names is called so"
        )
    return dict((named or keys)[0])


def _does_not_fit(algorithm: str, key: str | bytes) -> str:
    needed = _NEEDED_KEYS.get(algorithm[:2])
    if needed is None:
        return (
            f"cannot mint a {algorithm} token: expected an algorithm of the families HS, RS, PS, "
            "ES or EdDSA; pass --token-command"
        )
    return (
        f"cannot mint a {algorithm} token: the recorded one needs {needed}, and what --jwt-key "
        f"names is {_what_it_is(key)}"
    )


def _what_it_is(key: str | bytes) -> str:
    """Return what a key looks like, without showing it."""
    if not key:
        return "empty"
    if isinstance(key, bytes):
        return "no text"
    if key.startswith("-----BEGIN "):
        label = key.removeprefix("-----BEGIN ").partition("-----")[0]
        if "ENCRYPTED" in key[:200]:
            return "an encrypted PEM: take the passphrase off, or pass --token-command"
        known = re.fullmatch(r"[A-Z0-9 ]{1,40}", label)
        return f"a PEM of a {label.lower()} that does not fit" if known else "a damaged PEM"
    if key.startswith("{"):
        return "a JWK that does not fit"
    return "no PEM and no JWK"
