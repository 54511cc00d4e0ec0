from __future__ import annotations

import hmac
import json
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.utils import base64url_encode

from local_staging.auth_service.issuer import TokenIssuer
from local_staging.auth_service.users import USERS
from local_staging.clock import unix_time_s
from local_staging.tokens import AUDIENCE, ISSUER, KEY_ID, InvalidToken, TokenVerifier

ALICE = USERS[0]


@pytest.fixture
def verifier(issuer: TokenIssuer) -> TokenVerifier:
    return TokenVerifier.from_jwks(issuer.jwks(unix_time_s()))


def good_claims() -> dict[str, Any]:
    now_s = unix_time_s()
    return {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": "alice",
        "iat": now_s,
        "exp": now_s + 60,
        "jti": "t1",
    }


def signed(claims: dict[str, Any], key: rsa.RSAPrivateKey) -> str:
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": KEY_ID})


def encoded(part: dict[str, Any]) -> str:
    return base64url_encode(json.dumps(part).encode()).decode()


def test_issued_token_verifies(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    now_s = unix_time_s()
    claims = verifier.verify(issuer.issue(ALICE.user_id, ALICE.name, now_s))
    assert (claims.user_id, claims.name) == ("alice", "Alice Arden")
    assert (claims.issued_at_s, claims.expires_at_s) == (now_s, now_s + 600)


def test_tokens_have_ids_of_their_own(issuer: TokenIssuer, verifier: TokenVerifier) -> None:
    ids = {
        verifier.verify(issuer.issue(ALICE.user_id, ALICE.name, unix_time_s())).token_id
        for _ in range(3)
    }
    assert len(ids) == 3


def test_token_without_key_id_verifies(
    signing_key: rsa.RSAPrivateKey, verifier: TokenVerifier
) -> None:
    token = jwt.encode(good_claims(), signing_key, algorithm="RS256")
    assert verifier.verify(token).user_id == "alice"


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "billing"},
        {"exp": 1},
        {"iat": 4_000_000_000},
        {"sub": None},
    ],
)
def test_refuses_a_wrong_claim(
    wrong: dict[str, Any], signing_key: rsa.RSAPrivateKey, verifier: TokenVerifier
) -> None:
    verifier.verify(signed(good_claims(), signing_key))
    with pytest.raises(InvalidToken):
        verifier.verify(signed({**good_claims(), **wrong}, signing_key))


@pytest.mark.parametrize("missing", ["iss", "aud", "sub", "iat", "exp", "jti"])
def test_refuses_a_missing_claim(
    missing: str, signing_key: rsa.RSAPrivateKey, verifier: TokenVerifier
) -> None:
    claims = good_claims()
    del claims[missing]
    with pytest.raises(InvalidToken):
        verifier.verify(signed(claims, signing_key))


def test_refuses_another_key(verifier: TokenVerifier) -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    with pytest.raises(InvalidToken):
        verifier.verify(signed(good_claims(), other))


def test_refuses_an_unknown_key_id(signing_key: rsa.RSAPrivateKey, verifier: TokenVerifier) -> None:
    token = jwt.encode(good_claims(), signing_key, algorithm="RS256", headers={"kid": "other"})
    with pytest.raises(InvalidToken, match="'other'"):
        verifier.verify(token)


def test_refuses_an_unsigned_token(verifier: TokenVerifier) -> None:
    token = jwt.encode(good_claims(), None, algorithm="none", headers={"kid": KEY_ID})
    with pytest.raises(InvalidToken):
        verifier.verify(token)


def test_refuses_the_public_key_as_an_hmac_secret(
    signing_key: rsa.RSAPrivateKey, verifier: TokenVerifier
) -> None:
    public = signing_key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    # Signed by hand: the library refuses to make such a token, an attacker does not.
    unsigned = ".".join(encoded(part) for part in ({"alg": "HS256", "kid": KEY_ID}, good_claims()))
    signature = hmac.digest(public, unsigned.encode(), "sha256")
    with pytest.raises(InvalidToken, match="alg"):
        verifier.verify(f"{unsigned}.{base64url_encode(signature).decode()}")


@pytest.mark.parametrize("text", ["", "x", "a.b.c"])
def test_refuses_what_is_no_token(text: str, verifier: TokenVerifier) -> None:
    with pytest.raises(InvalidToken):
        verifier.verify(text)
