"""Sign tokens, and publish the key that they are checked with."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from local_staging.auth_service.users import User
from local_staging.errors import StagingError
from local_staging.service.settings import required, seconds
from local_staging.tokens import ALGORITHM, AUDIENCE, ISSUER, KEY_ID

SIGNING_KEY_VARIABLE = "AUTH_SIGNING_KEY_FILE"
LIFETIME_VARIABLE = "AUTH_TOKEN_LIFETIME_S"
DEFAULT_LIFETIME_S = 3600.0


class TokenIssuer:
    """Holds the private key; its tokens live `lifetime_s`."""

    def __init__(self, key: RSAPrivateKey, lifetime_s: int) -> None:
        self._key = key
        self.lifetime_s = lifetime_s

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> TokenIssuer:
        """Make the issuer that the environment describes. Raises StagingError."""
        path = Path(required(environment, SIGNING_KEY_VARIABLE, "a file with an RSA key in PEM"))
        lifetime_s = int(seconds(environment, LIFETIME_VARIABLE, DEFAULT_LIFETIME_S))
        return cls(_read_key(path), lifetime_s)

    def issue(self, user: User, now_s: int) -> str:
        """Return a fresh token for a user."""
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": user.user_id,
            "name": user.name,
            "iat": now_s,
            "exp": now_s + self.lifetime_s,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self._key, algorithm=ALGORITHM, headers={"kid": KEY_ID})

    def jwks(self) -> dict[str, Any]:
        """Return the public key as a JSON Web Key Set (RFC 7517)."""
        public = RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": KEY_ID, "use": "sig", "alg": ALGORITHM}]}


def _read_key(path: Path) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise StagingError(f"cannot read the signing key {path}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise StagingError(f"{path} holds no unencrypted private key in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise StagingError(f"{path} holds no RSA key, and {ALGORITHM} needs one")
    return key
