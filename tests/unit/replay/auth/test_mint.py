# ruff: noqa: ANN401  keys of any kind, any JSON

import base64
import json
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from replay.auth import key_from, mint
from replay.auth.mint import fresh_claims
from replay.errors import NoToken
from tests.unit.replay.auth.recorded_secrets import KEY, NOW_S, jwt_secret, read


def test_a_minted_jwt_has_the_recorded_claims_with_fresh_times() -> None:
    claims = read(mint(jwt_secret(), KEY, NOW_S))
    assert claims.pop("jti") != "old"
    fresh = {"iat": NOW_S, "nbf": NOW_S, "exp": NOW_S + 900}
    assert claims == {"sub": "ann", "scope": ["a", {"b": 1}]} | fresh


def test_a_minted_jwt_has_the_recorded_header_and_algorithm() -> None:
    token = mint(jwt_secret(algorithm="HS512"), KEY * 2, NOW_S)
    assert jwt.get_unverified_header(token) == {"typ": "JWT", "alg": "HS512", "kid": "key-7"}


def test_two_minted_jwts_differ() -> None:
    assert mint(jwt_secret(), KEY, NOW_S) != mint(jwt_secret(), KEY, NOW_S)


def test_claims_that_were_not_there_are_not_added() -> None:
    assert read(mint(jwt_secret(claims={"sub": "ann"}), KEY, NOW_S)) == {"sub": "ann"}


def test_a_lifetime_of_zero_stays_zero_and_an_unknown_one_is_an_hour() -> None:
    for lifetime_s, lived_s in ((0, 0), (None, 3600)):
        claims = read(mint(jwt_secret(claims={"exp": 5}, lifetime_s=lifetime_s), KEY, NOW_S))
        assert claims["exp"] - NOW_S == lived_s


def test_minting_leaves_the_recording_alone() -> None:
    secret = jwt_secret()
    mint(secret, KEY, NOW_S)
    assert secret == jwt_secret()


PKCS8 = serialization.PrivateFormat.PKCS8
PKCS1 = serialization.PrivateFormat.TraditionalOpenSSL
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
ED25519 = ed25519.Ed25519PrivateKey.generate()


def pem(private: Any, form: serialization.PrivateFormat = PKCS8, passphrase: str = "") -> str:
    encryption = (
        serialization.BestAvailableEncryption(passphrase.encode())
        if passphrase
        else serialization.NoEncryption()
    )
    encoded: bytes = private.private_bytes(serialization.Encoding.PEM, form, encryption)
    return encoded.decode()


def jwk(private: Any, algorithm: str, **fields: str) -> dict[str, Any]:
    of_algorithm: Any = jwt.get_algorithm_by_name(algorithm)
    return {**json.loads(of_algorithm.to_jwk(private)), **fields}


@pytest.mark.parametrize(
    ("algorithm", "private"),
    [
        *((name, RSA) for name in ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")),
        ("ES256", P256),
        ("ES384", P384),
        ("EdDSA", ED25519),
    ],
)
def test_a_jwt_is_minted_with_a_pem_and_with_a_jwk(algorithm: str, private: Any) -> None:
    for key in (pem(private), json.dumps(jwk(private, algorithm))):
        token = mint(jwt_secret(algorithm=algorithm), key, NOW_S)
        assert read(token, private.public_key(), algorithm)["sub"] == "ann"
        assert jwt.get_unverified_header(token)["kid"] == "key-7"


@pytest.mark.parametrize("algorithm", ["HS256", "HS384", "HS512"])
def test_a_shared_secret_is_text_or_a_jwk(algorithm: str) -> None:
    shared = json.dumps({"kty": "oct", "k": base64.urlsafe_b64encode(KEY.encode()).decode()})
    for key in (KEY, shared):
        assert read(mint(jwt_secret(algorithm=algorithm), key, NOW_S), KEY, algorithm)["sub"]


def test_rs256_is_minted_with_pkcs1_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "signing.pem").write_text(pem(RSA, PKCS1))
    key = key_from(str(tmp_path / "signing.pem"))
    assert key.startswith("-----BEGIN RSA PRIVATE KEY")
    token = mint(jwt_secret(algorithm="RS256"), key, NOW_S)
    assert read(token, RSA.public_key(), "RS256")["sub"] == "ann"


def test_of_a_set_of_keys_the_recorded_one_signs() -> None:
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    both = {"keys": [jwk(other, "RS256", kid="key-6"), jwk(RSA, "RS256", kid="key-7")]}
    token = mint(jwt_secret(algorithm="RS256"), json.dumps(both), NOW_S)
    assert read(token, RSA.public_key(), "RS256")["sub"] == "ann"
    both["keys"][1]["kid"] = "key-8"
    with pytest.raises(NoToken, match="'key-7', and none of the 2 keys"):
        mint(jwt_secret(algorithm="RS256"), json.dumps(both), NOW_S)


@pytest.mark.parametrize(
    ("algorithm", "key", "what"),
    [
        ("RS256", "a shared secret", "needs a private RSA key .* is no PEM and no JWK"),
        ("RS256", pem(P256), "needs a private RSA key .* a PEM of a private key that does not fit"),
        ("ES256", pem(P384), "elliptic curve .* a PEM of a private key that does not fit"),
        ("EdDSA", pem(RSA), "Ed25519 or Ed448 .* a PEM of a private key that does not fit"),
        ("HS256", pem(RSA), "needs a shared secret"),
        ("HS256", "", "is empty"),
        ("RS256", json.dumps(jwk(P256, "ES256")), "a JWK that does not fit"),
        ("RS256", '{"kty": "RSA"}', "a JWK that does not fit"),
        ("RS256", "{no json", "a JWK that does not fit"),
        ("RS256", pem(RSA, passphrase="x"), "an encrypted PEM: take the passphrase off"),
        ("RS256", "-----BEGIN PRIVATE KEY-----\nMIIsecret\n-----END PRIVATE KEY-----", "a PEM of"),
        ("none", KEY, "expected an algorithm of the families"),
        ("XS256", KEY, "expected an algorithm of the families"),
    ],
)
def test_a_key_that_does_not_fit_is_one_line(algorithm: str, key: str, what: str) -> None:
    with pytest.raises(NoToken, match=what) as caught:
        mint(jwt_secret(algorithm=algorithm), key, NOW_S)
    assert str(caught.value).startswith(f"cannot mint a {algorithm} token")
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None
    for line in key.splitlines()[1:-1] or [key][: len(key) > 0]:
        assert line not in str(caught.value)


def test_a_public_key_does_not_sign() -> None:
    public = RSA.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(NoToken, match="a PEM of a public key that does not fit"):
        mint(jwt_secret(algorithm="RS256"), public.decode(), NOW_S)


def test_a_short_secret_is_the_choice_of_the_server(recwarn: pytest.WarningsRecorder) -> None:
    mint(jwt_secret(), "short", NOW_S)
    assert not recwarn.list


@pytest.mark.parametrize("header", [{}, {"typ": "at+jwt", "kid": "k", "x5t": "thumb"}])
def test_the_header_is_as_recorded_whatever_was_in_it(header: dict[str, str]) -> None:
    token = mint(jwt_secret(header=header), KEY, NOW_S)
    assert jwt.get_unverified_header(token) == header | {"alg": "HS256"}


def test_an_expired_token_is_good_again() -> None:
    expired = {"sub": "ann", "iat": NOW_S - 90_000, "exp": NOW_S - 86_400}
    claims = fresh_claims(jwt_secret(claims=expired, lifetime_s=3600), NOW_S)
    assert claims == {"sub": "ann", "iat": NOW_S, "exp": NOW_S + 3600}


RECORDED_S = 1_700_000_000


@pytest.mark.parametrize(
    ("name", "recorded", "fresh"),
    [
        ("session_exp", RECORDED_S + 28_800, NOW_S + 28_800),
        ("https://example.com/login_at", RECORDED_S - 60, NOW_S - 60),
        ("expiresAt", (RECORDED_S + 5) * 1000, (NOW_S + 5) * 1000),
        ("updated_at", RECORDED_S + 0.5, NOW_S + 0.5),
        ("session", {"exp": RECORDED_S + 1, "n": 7}, {"exp": NOW_S + 1, "n": 7}),
        # No times: a number by another name, a lifetime, a flag, a text.
        ("user_number", RECORDED_S + 1, RECORDED_S + 1),
        ("session_exp", 3600, 3600),
        ("at", True, True),
        ("expires", "tomorrow", "tomorrow"),
        ("cat", RECORDED_S, RECORDED_S),
    ],
)
def test_times_of_the_application_keep_their_distance(name: str, recorded: Any, fresh: Any) -> None:
    claims = {"iat": RECORDED_S, "exp": RECORDED_S + 900, name: recorded}
    assert fresh_claims(jwt_secret(claims=claims), NOW_S)[name] == fresh


def test_a_token_that_was_valid_from_before_its_issue_is_so_again() -> None:
    claims = {"iat": RECORDED_S, "nbf": RECORDED_S - 30, "exp": RECORDED_S + 900}
    assert fresh_claims(jwt_secret(claims=claims), NOW_S)["nbf"] == NOW_S - 30


def test_without_a_time_of_issue_other_times_stay() -> None:
    claims = {"sub": "ann", "session_exp": RECORDED_S}
    assert fresh_claims(jwt_secret(claims=claims), NOW_S) == claims
