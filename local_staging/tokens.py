"""What the services agree on about tokens, and how each of them checks one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
from jwt.algorithms import AllowedPublicKeys

ISSUER = "https://auth.staging.example"
AUDIENCE = "chat"

# Fixed here and never read from a token: a token cannot ask for `none`, nor for its public key to
# be taken as an HMAC secret.
ALGORITHM = "RS256"

# A name, not a thumbprint: a token minted with the key of another start of staging names the same
# key id, and fails for its signature alone.
KEY_ID = "staging-signing-key"

_REQUIRED = ("iss", "aud", "sub", "iat", "exp", "jti")


class InvalidToken(Exception):
    """The token is not one of ours, or no longer; the text says why and never holds the token."""


class UnknownKey(InvalidToken):
    """The token is signed with a key that is not known, or not yet."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says."""

    user_id: str
    name: str
    token_id: str
    issued_at_s: int
    expires_at_s: int
    once: bool = False


class TokenVerifier:
    """Checks signature, issuer, audience and times of a token, without any network."""

    def __init__(self, keys: Mapping[str, AllowedPublicKeys]) -> None:
        self._keys = dict(keys)

    @classmethod
    def from_jwks(cls, jwks: dict[str, Any]) -> TokenVerifier:
        """Make a verifier from a JSON Web Key Set (RFC 7517); without usable keys it knows none."""
        try:
            keys = jwt.PyJWKSet.from_dict(jwks).keys
        except jwt.PyJWKSetError:
            keys = []
        return cls({key.key_id: key.key for key in keys if key.key_id is not None})

    def verify(self, token: str) -> Claims:
        """Return the claims of a valid token. Raises InvalidToken."""
        try:
            key = self._key_of(token)
            claims = jwt.decode(
                token,
                key,
                algorithms=[ALGORITHM],
                audience=AUDIENCE,
                issuer=ISSUER,
                options={"require": list(_REQUIRED)},
            )
        except (jwt.InvalidTokenError, UnicodeError) as error:
            raise InvalidToken(str(error)) from None
        return Claims(
            user_id=claims["sub"],
            name=str(claims.get("name", claims["sub"])),
            token_id=claims["jti"],
            issued_at_s=int(claims["iat"]),
            expires_at_s=int(claims["exp"]),
            once=claims.get("once") is True,
        )

    def _key_of(self, token: str) -> AllowedPublicKeys:
        key_id = jwt.get_unverified_header(token).get("kid", KEY_ID)
        if key_id not in self._keys:
            raise UnknownKey(f"the token is signed with a key we do not have: {key_id!r}")
        return self._keys[key_id]
