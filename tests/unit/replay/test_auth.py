# ruff: noqa: ANN401  values are any JSON, fields those of the model

import base64
import shlex
import sys
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from capture.format.model import Secret
from replay.auth import TokenSource, Wallet, key_from, mint, values_from
from replay.errors import NoToken

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


def test_rs256_is_minted_with_a_pem_file(tmp_path: Path) -> None:
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = tmp_path / "signing.pem"
    pem.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    token = mint(jwt_secret(algorithm="RS256"), key_from(str(pem)), NOW_S)
    assert read(token, private.public_key(), "RS256")["sub"] == "ann"


@pytest.mark.parametrize(("algorithm", "key"), [("RS256", KEY), ("none", KEY), ("XS256", KEY)])
def test_a_key_that_does_not_fit_is_said_without_being_shown(algorithm: str, key: str) -> None:
    with pytest.raises(NoToken, match=f"cannot mint a {algorithm} token") as caught:
        mint(jwt_secret(algorithm=algorithm), key, NOW_S)
    assert key not in str(caught.value)


def test_every_placeholder_gets_its_secret_in_text_headers_and_payload() -> None:
    filled = wallet(
        TokenSource(values={"s1": "one", "s2": "two"}),
        plain("s1", "token"),
        plain("s2", "password"),
    )
    assert filled.fill("/ws?t={{deadheat:token:s1}}") == "/ws?t=one"
    assert filled.fill_headers((("Authorization", "Bearer {{deadheat:token:s1}}"),)) == (
        ("Authorization", "Bearer one"),
    )
    payload = b'\xff{"a":"{{deadheat:token:s1}}","b":"{{deadheat:password:s2}}"}'
    assert filled.fill_payload(payload) == b'\xff{"a":"one","b":"two"}'


def test_what_has_no_placeholder_is_left_alone() -> None:
    nothing = wallet(TokenSource())
    assert nothing.fill_payload(b"\x00{{other}}") == b"\x00{{other}}"
    assert nothing.fill_headers((("X-Empty", ""),)) == (("X-Empty", ""),)


def test_a_wrapped_token_is_wrapped_again() -> None:
    secret = plain("s1", "token", encoding="base64url")
    filled = wallet(TokenSource(values={"s1": "a token??"}), secret).fill("{{deadheat:token:s1}}")
    assert filled == base64.urlsafe_b64encode(b"a token??").decode().rstrip("=")


def test_one_run_uses_one_token() -> None:
    minted = wallet(TokenSource(jwt_key=KEY), jwt_secret())
    assert minted.fill("{{deadheat:jwt:s1}}") == minted.fill("{{deadheat:jwt:s1}}")


def test_a_token_command_prints_the_token() -> None:
    command = python("print('a hint'); print(' fresh-1 ')")
    for secret in (plain("s1", "token"), jwt_secret()):
        filled = wallet(TokenSource(command=command), secret)
        assert filled.fill("{{deadheat:token:s1}}").strip() == "fresh-1"


@pytest.mark.parametrize(
    ("command", "complaint"),
    [
        (python("import sys; print('tok-secret'); sys.exit('no login')"), "status 1: no login"),
        (python("pass"), "ended well and printed no token"),
        ("/nonexistent/tok-secret", "could not run: No such file"),
        ("an 'open quote tok-secret", "could not run: it is no command line"),
    ],
)
def test_a_token_command_that_fails_says_so_and_shows_no_secret(
    command: str, complaint: str
) -> None:
    with pytest.raises(NoToken, match=complaint) as caught:
        wallet(TokenSource(command=command), plain("s1", "token")).check()
    assert "tok-secret" not in str(caught.value)


def test_a_token_command_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("replay.auth.TOKEN_COMMAND_TIMEOUT_S", 0)
    with pytest.raises(NoToken, match="did not end in 0 s") as caught:
        TokenSource(command=python("'tok-secret'; input()")).fresh(plain("s1", "token"), NOW_S)
    assert "tok-secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("secret", "hint"),
    [
        (jwt_secret(), "pass --jwt-key or --token-command"),
        (plain("s7", "token"), "pass --token-command or --secret s7=ENV|FILE"),
        (plain("s8", "password"), "pass --secret s8=ENV|FILE"),
    ],
)
def test_a_missing_secret_says_how_to_give_one(secret: Secret, hint: str) -> None:
    with pytest.raises(NoToken) as caught:
        wallet(TokenSource(), secret).check()
    assert str(caught.value).endswith(hint)
    assert secret.where in str(caught.value)


def test_a_placeholder_that_nobody_explained_is_named() -> None:
    with pytest.raises(NoToken, match="does not say what placeholder s9"):
        wallet(TokenSource()).fill("{{deadheat:token:s9}}")


def test_cookies_that_nobody_gave_are_left_out() -> None:
    headers = (
        ("Cookie", "sid={{deadheat:cookie:s1}}; lang={{deadheat:cookie:s2}}; plain=1"),
        ("Host", "h"),
    )
    secrets = (plain("s1", "cookie"), plain("s2", "cookie"))
    without = wallet(TokenSource(), *secrets)
    without.check()
    assert without.fill_headers(headers) == (("Cookie", "plain=1"), ("Host", "h"))
    given = wallet(TokenSource(values={"s1": "abc"}), *secrets)
    assert given.fill_headers(headers)[0] == ("Cookie", "sid=abc; plain=1")
    nothing_left = (("cookie", "sid={{deadheat:cookie:s1}}"),)
    assert without.fill_headers(nothing_left) == ()


def test_a_jwt_in_a_cookie_is_minted() -> None:
    minted = wallet(TokenSource(jwt_key=KEY), jwt_secret())
    ((_, value),) = minted.fill_headers((("Cookie", "session={{deadheat:jwt:s1}}"),))
    assert read(value.removeprefix("session="))["sub"] == "ann"


def test_a_key_comes_from_a_variable_or_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEADHEAT_TEST_KEY", "from the variable")
    (tmp_path / "key").write_text("from the file\n")
    assert key_from("DEADHEAT_TEST_KEY") == "from the variable"
    assert key_from(str(tmp_path / "key")) == "from the file"


def test_values_come_from_variables_and_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEADHEAT_TEST_COOKIE", "yes=")
    assert values_from(["s1=DEADHEAT_TEST_COOKIE"]) == {"s1": "yes="}


@pytest.mark.parametrize("name", ["eyJhbGciOiJIUzI1NiJ9.e30.c2ln", "/nonexistent", "\0"])
def test_what_names_no_key_is_not_repeated(name: str) -> None:
    with pytest.raises(NoToken, match="neither an environment variable") as caught:
        key_from(name)
    assert name not in str(caught.value)
    with pytest.raises(NoToken) as caught:
        values_from([f"s1={name}"])
    assert name not in str(caught.value)


def test_a_secret_without_an_id_is_not_repeated() -> None:
    with pytest.raises(NoToken, match="expects ID=ENV or ID=FILE") as caught:
        values_from(["tok-secret"])
    assert "tok-secret" not in str(caught.value)


def test_no_secret_is_in_a_repr() -> None:
    source = TokenSource("tok-secret", "tok-secret", {"s1": "tok-secret"})
    filled = wallet(source, plain("s1", "token"))
    filled.check()
    assert "tok-secret" not in repr(filled) + str(filled) + repr(source)


def test_the_redactor_of_a_run_knows_its_secrets_whatever_they_look_like() -> None:
    secrets = (plain("s1", "token"), plain("s4", "cookie"))
    filled = wallet(TokenSource(values={"s1": "just some words", "s4": "a cookie!"}), *secrets)
    filled.check()
    text, found = filled.redactor().text("they said just some words, and a cookie!", where="log")
    assert text == "they said {{deadheat:token:s1}}, and {{deadheat:cookie:s4}}"
    assert {secret.id for secret in found} == {"s1", "s4"}


def test_a_secret_that_the_server_adds_gets_an_id_of_its_own() -> None:
    filled = wallet(TokenSource(values={"s1": "just some words"}), plain("s1", "token"))
    filled.check()
    _, (found,) = filled.redactor().headers((("Set-Cookie", "sid=new-cookie-value"),))
    assert found.id == "s2"


def test_a_secret_that_the_server_issues_itself_is_asked_of_nobody() -> None:
    secrets = {"s1": jwt_secret(), "s2": plain("s2", "token")}
    wallet = Wallet(secrets, TokenSource(jwt_key=KEY), issued=frozenset({"s1", "s2"}))
    wallet.check()
    text = "{{deadheat:jwt:s1}} {{deadheat:token:s2}}"
    assert wallet.fill(text) == text


def test_who_gives_a_value_for_an_issued_secret_gets_it_where_the_server_said_none() -> None:
    source = TokenSource(values={"s2": "mine"})
    wallet = Wallet({"s2": plain("s2", "token")}, source, issued=frozenset({"s2"}))
    assert wallet.fill("{{deadheat:token:s2}}") == "mine"


def test_a_key_may_be_any_bytes(tmp_path: Path) -> None:
    key = bytes(range(128, 192))
    (tmp_path / "key").write_bytes(key)
    source = TokenSource(jwt_key=key_from(str(tmp_path / "key")))
    secret = Secret(id="s1", kind="jwt", algorithm="HS256", claims={"sub": "a"})
    assert jwt.decode(source.fresh(secret, 0), key, algorithms=["HS256"]) == {"sub": "a"}


def test_a_value_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cookie").write_bytes(b"\xff\xfe")
    with pytest.raises(NoToken, match="what --secret names for s1 is no text"):
        values_from([f"s1={tmp_path / 'cookie'}"])


def test_a_value_for_a_placeholder_that_is_not_there_is_refused() -> None:
    secrets = {"s1": Secret(id="s1", kind="token")}
    wallet = Wallet(secrets, TokenSource(values={"s1": "a", "s9": "b"}))
    with pytest.raises(NoToken, match=r"--secret is for s9, but the placeholders .* are: s1"):
        wallet.check()
