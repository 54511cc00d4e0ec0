from pathlib import Path

import jwt
import pytest

from capture.format.model import Secret
from replay.auth import TokenSource, key_from, values_from
from replay.errors import NoToken
from tests.unit.replay.auth.recorded_secrets import KEY, NOW_S, jwt_secret, plain, python, wallet


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
    monkeypatch.setattr("replay.auth.sources.TOKEN_COMMAND_TIMEOUT_S", 0)
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


class Issuer:
    """Issues the same token to whomever it is for."""

    def __init__(self, *ids: str) -> None:
        self.ids, self.asked = ids, 0
        self.name = "[oauth.staging]"
        self.is_for_the_rest = not ids

    def is_for(self, secret: Secret) -> bool:
        return secret.id in self.ids

    def token(self, now_s: int) -> str:
        self.asked += 1
        return "issued"


@pytest.mark.parametrize(
    ("source", "secret", "origin"),
    [
        (TokenSource(values={"s1": "x"}, jwt_key=KEY), jwt_secret(), "--secret s1"),
        (TokenSource(values={"s1": "x"}, issuers=(Issuer("s1"),)), jwt_secret(), "--secret s1"),
        (TokenSource(jwt_key=KEY, issuers=(Issuer("s1"),)), jwt_secret(), "[oauth.staging]"),
        (TokenSource(jwt_key=KEY, command="c", issuers=(Issuer(),)), jwt_secret(), "--jwt-key"),
        (TokenSource(jwt_key=KEY, command="c"), plain("s2", "token"), "--token-command"),
        (TokenSource(jwt_key=KEY, issuers=(Issuer(),)), plain("s2", "token"), "[oauth.staging]"),
        (TokenSource(issuers=(Issuer(),)), plain("s3", "password"), None),
        (TokenSource(issuers=(Issuer("s9"),)), jwt_secret(), None),
        (TokenSource(), plain("s3", "cookie"), None),
    ],
)
def test_the_nearest_source_is_taken(
    source: TokenSource, secret: Secret, origin: str | None
) -> None:
    assert source.origin(secret) == origin


def test_an_issuer_is_asked_when_its_secret_is_needed() -> None:
    issuer = Issuer()
    assert TokenSource(issuers=(issuer,)).fresh(jwt_secret(), NOW_S) == "issued"


def test_signing_in_asks_only_the_issuers_that_are_needed() -> None:
    named, rest = Issuer("s1"), Issuer()
    source = TokenSource(values={"s5": "x"}, issuers=(named, rest))
    source.sign_in([plain("s5", "token"), plain("s3", "password")], NOW_S)
    assert (named.asked, rest.asked) == (0, 0)
    source.sign_in([jwt_secret()], NOW_S)
    assert (named.asked, rest.asked) == (1, 0)


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
