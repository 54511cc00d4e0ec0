from __future__ import annotations

import ssl

import pytest

from capture.format.model import Secret
from replay.auth.oauth import OAuthIssuer, OAuthSecrets
from replay.configuration import Grant, OAuthSettings
from replay.errors import HostNotAllowed
from tests.unit.replay.auth.recorded_secrets import NOW_S, jwt_secret, plain


def issuer(*serves: str) -> OAuthIssuer:
    settings = OAuthSettings(
        grant=Grant.CLIENT_CREDENTIALS,
        token_url="https://login.example.com/token",
        client_id="robot",
        name="staging",
        serves=serves,
    )

    def connect() -> ssl.SSLContext:
        raise HostNotAllowed("login.example.com is not allowed")

    return OAuthIssuer(settings, lambda: OAuthSecrets("top-secret"), connect, print)


@pytest.mark.parametrize(
    ("pattern", "secret", "serves"),
    [
        ("s1", jwt_secret(), True),
        ("s2", jwt_secret(), False),
        ("jwt", jwt_secret(), True),
        ("token", jwt_secret(), False),
        ("header authorization", plain("s4", "token"), True),
        ("header *", plain("s4", "token"), True),
        ("query *", plain("s4", "token"), False),
        # The place of s1 is "url query token".
        ("*query*", jwt_secret(), True),
    ],
)
def test_it_serves_placeholders_kinds_and_places(
    pattern: str, secret: Secret, serves: bool
) -> None:
    assert issuer(pattern).is_for(secret) == serves


def test_without_names_it_serves_the_rest() -> None:
    assert issuer().is_for_the_rest
    assert not issuer().is_for(jwt_secret())
    assert not issuer("s1").is_for_the_rest


def test_an_endpoint_that_may_not_be_asked_is_not_asked() -> None:
    with pytest.raises(HostNotAllowed):
        issuer().token(NOW_S)


def test_no_secret_is_in_a_repr() -> None:
    secrets = OAuthSecrets("top-secret", "top-secret", "top-secret", "top-secret")
    made = issuer()
    made._secrets, made._token, made._refresh_token = secrets, "top-secret", "top-secret"
    assert "top-secret" not in repr(made) + repr(secrets)
