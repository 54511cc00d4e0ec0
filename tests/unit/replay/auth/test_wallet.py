import base64

import pytest

from capture.format.model import Secret
from replay.auth import TokenSource, Wallet
from replay.errors import NoToken
from tests.unit.replay.auth.recorded_secrets import (
    KEY,
    jwt_secret,
    plain,
    read,
    wallet,
)


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


def test_a_token_that_is_over_before_it_is_used_is_minted_again_and_still_known() -> None:
    now_s = [1_000_000]
    secret = jwt_secret(lifetime_s=3)
    keyed = Wallet({secret.id: secret}, TokenSource(jwt_key=KEY), lambda: now_s[0])
    keyed.check()
    redactor = keyed.redactor()
    asked = f"{{{{deadheat:jwt:{secret.id}}}}}"
    first = keyed.fill(asked)
    now_s[0] += 2
    assert keyed.fill(asked) == first
    now_s[0] += 1
    second = keyed.fill(asked)
    assert second != first
    for token in (first, second):
        assert redactor.text(f"x {token}", where="message")[0] == f"x {asked}"


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


def test_a_value_for_a_placeholder_that_is_not_there_is_refused() -> None:
    secrets = {"s1": Secret(id="s1", kind="token")}
    wallet = Wallet(secrets, TokenSource(values={"s1": "a", "s9": "b"}))
    with pytest.raises(NoToken, match=r"--secret is for s9, but the placeholders .* are: s1"):
        wallet.check()
