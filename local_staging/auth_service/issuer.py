"""Sign tokens, and publish the keys that they are checked with."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from local_staging.errors import StagingError
from local_staging.service.settings import required, seconds
from local_staging.tokens import ALGORITHM, AUDIENCE, ISSUER, KEY_ID

SIGNING_KEY_VARIABLE = "AUTH_SIGNING_KEY_FILE"
LIFETIME_VARIABLE = "AUTH_TOKEN_LIFETIME_S"
DEFAULT_LIFETIME_S = 3600.0


class TokenIssuer:
    """Holds the private keys; its tokens live `lifetime_s`.

    The newest key signs. One that was replaced is published for as long as its tokens live.
    """

    def __init__(self, key: RSAPrivateKey, lifetime_s: int) -> None:
        self.lifetime_s = lifetime_s
        self._keys = [_Key(KEY_ID, key)]

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> TokenIssuer:
        """Make the issuer that the environment describes. Raises StagingError."""
        path = Path(required(environment, SIGNING_KEY_VARIABLE, "a file with an RSA key in PEM"))
        lifetime_s = int(seconds(environment, LIFETIME_VARIABLE, DEFAULT_LIFETIME_S))
        return cls(_read_key(path), lifetime_s)

    def rotate(self, now_s: int) -> str:
        """Sign with a new key from now on, and return its id."""
        self._keys[-1] = replace(self._keys[-1], last_needed_s=now_s + self.lifetime_s)
        # One key each start is told from those of other starts by its signature alone; the next
        # ones have names of their own.
        key_id = f"{KEY_ID}-{uuid.uuid4().hex[:8]}"
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self._keys.append(_Key(key_id, key))
        return key_id

    def issue(self, subject: str, name: str, now_s: int, *, once: bool = False) -> str:
        """Return a fresh token; one that is good `once` opens one connection."""
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "name": name,
            "iat": now_s,
            "exp": now_s + self.lifetime_s,
            "jti": str(uuid.uuid4()),
        }
        if once:
            claims["once"] = True
        newest = self._keys[-1]
        return jwt.encode(
            claims, newest.private, algorithm=ALGORITHM, headers={"kid": newest.key_id}
        )

    def jwks(self, now_s: int) -> dict[str, Any]:
        """Return the public keys that are needed now as a JSON Web Key Set (RFC 7517)."""
        self._keys = [
            key for key in self._keys if key.last_needed_s is None or now_s <= key.last_needed_s
        ]
        return {"keys": [key.public() for key in self._keys]}


@dataclass(frozen=True, slots=True)
class _Key:
    key_id: str
    private: RSAPrivateKey
    last_needed_s: int | None = None

    def public(self) -> dict[str, Any]:
        public = RSAAlgorithm.to_jwk(self.private.public_key(), as_dict=True)
        return {**public, "kid": self.key_id, "use": "sig", "alg": ALGORITHM}


def _read_key(path: Path) -> RSAPrivateKey:
    try:
        key = _parsed(path.read_bytes())
    except OSError as error:
        raise StagingError(f"cannot read the signing key {path}: {error.strerror}") from None
    except (ValueError, TypeError):
        raise StagingError(f"{path} holds no unencrypted private key in PEM") from None
    if not isinstance(key, RSAPrivateKey):
        raise StagingError(f"{path} holds no RSA key, and {ALGORITHM} needs one")
    return key


# To read one takes longer than most runs of the stand-in in virtual time, each of which starts it.
@lru_cache(maxsize=1)
def _parsed(pem: bytes) -> object:
    return load_pem_private_key(pem, password=None)
