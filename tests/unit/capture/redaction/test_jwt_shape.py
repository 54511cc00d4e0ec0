"""JWTs are found by shape, and described without being verified."""

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture.redaction.jwt_shape import describe_jwt, find_jwts, unbase64
from tests.unit.capture.wire import base64url, jwt


def found(payload: bytes) -> list[bytes]:
    return [payload[start:end] for start, end in find_jwts(payload)]


def described(jwt: bytes) -> dict[str, Any]:
    return describe_jwt(jwt, lambda part: part)


PRETTY = base64url(b'{\n "alg": "none"\n}')


@pytest.mark.parametrize(
    "token",
    [
        jwt(),
        jwt(signature=""),
        f"{PRETTY}.e30.",
        jwt() + ".more-parts.tag",
    ],
)
@pytest.mark.parametrize(("before", "after"), [("", ""), ('"', '"'), ("\\n", ". Next"), ("=", "&")])
def test_finds_a_token_between_other_text(token: str, before: str, after: str) -> None:
    assert found(f"{before}{token}{after}".encode()) == [token.encode()]


def test_what_begins_like_a_token_and_stands_alone_is_one_whatever_is_under_it() -> None:
    assert found(b"say eyJfake-header.fake-claims.fake") == [b"eyJfake-header.fake-claims.fake"]


@pytest.mark.parametrize(
    "text",
    [
        "this.keyListener.is.on",
        "my.keyJsonParser.is.on",
        "eyebrowproducts.example.com",
        "reviewprocesses.example.com",
        "eyJhbGciOiJIUzI1NiJ9",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9",
    ],
)
def test_words_and_cut_tokens_are_none(text: str) -> None:
    assert found(text.encode()) == []


def test_describes_algorithm_header_claims_and_lifetime() -> None:
    assert described(jwt(role="admin").encode()) == {
        "kind": "jwt",
        "algorithm": "HS256",
        "header": {"typ": "JWT"},
        "claims": {"sub": "ada", "iat": 1_700_000_000, "exp": 1_700_003_600, "role": "admin"},
        "lifetime_s": 3600,
    }


def of(claims: bytes, header: bytes = b'{"alg":"HS256"}') -> bytes:
    return f"{base64url(header)}.{base64url(claims)}.sig".encode()


@pytest.mark.parametrize(
    ("claims", "lifetime_s"),
    [
        (b'{"exp": 30, "nbf": 10}', 20),
        (b'{"exp": 30.5, "iat": 10}', 20),
        (b'{"exp": 30}', None),
        (b'{"exp": "30", "iat": 10}', None),
        (b'{"exp": 1e400, "iat": 0}', None),
        (b"not json", None),
        (b"[1]", None),
    ],
)
def test_the_lifetime_is_from_issue_to_expiry(claims: bytes, lifetime_s: int | None) -> None:
    assert described(of(claims))["lifetime_s"] == lifetime_s


@pytest.mark.parametrize(
    "part", [b'{"a":NaN}', b'{"a":"\\ud800"}', b"[" * 9000, b'{"a":"\xff"}', b"", b'"text"']
)
def test_parts_that_could_not_be_written_again_are_left_out(part: bytes) -> None:
    assert described(of(part, header=part)) == {
        "kind": "jwt",
        "algorithm": "",
        "header": {},
        "claims": {},
        "lifetime_s": None,
    }


def test_an_algorithm_that_is_no_text_is_left_out() -> None:
    assert described(of(b"{}", header=b'{"alg": 5}'))["algorithm"] == ""


@given(st.binary(max_size=60))
def test_unbase64_reads_both_alphabets_padded_or_not(data: bytes) -> None:
    for encode in (base64.b64encode, base64.urlsafe_b64encode):
        assert unbase64(encode(data)) == data
        assert unbase64(encode(data).rstrip(b"=")) == data


@pytest.mark.parametrize("value", [b"abcde", b"with space", b"d\xc3\xa9", b"a.b"])
def test_unbase64_knows_what_is_none(value: bytes) -> None:
    assert unbase64(value) is None
