from __future__ import annotations

from pathlib import Path

import pytest

from replay.auth.issuers import Surrounding, issuers_from
from replay.configuration import read_configuration
from replay.errors import HostNotAllowed, NoToken, ReplayError
from tests.unit.replay.auth.recorded_secrets import NOW_S

ROBOT = """
[oauth.staging]
grant = "client_credentials"
token_url = "http://127.0.0.1:9/token"
client_id = "robot"
client_secret = { env = "DEADHEAT_TEST_SECRET" }
"""


def asked(tmp_path: Path, text: str, **around: dict[str, str]) -> None:
    """Ask the first client for a token."""
    path = tmp_path / "deadheat.toml"
    path.write_text(text)
    surrounding = Surrounding(allowed_hosts=(), ask_person=lambda *_: None, **around)
    issuers_from(read_configuration(path), surrounding)[0].token(NOW_S)


def test_a_variable_that_is_not_set_is_named(tmp_path: Path) -> None:
    with pytest.raises(NoToken, match=r"\[oauth.staging\] client_secret: .* DEADHEAT_TEST_SECRET"):
        asked(tmp_path, ROBOT)


def test_a_file_that_is_not_there_is_not_named(tmp_path: Path) -> None:
    """It may be the secret itself that stands there by mistake."""
    text = ROBOT.replace("env = ", "file = ")
    with pytest.raises(NoToken, match=r"what \[oauth.staging\] client_secret names") as caught:
        asked(tmp_path, text)
    assert "DEADHEAT_TEST_SECRET" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "error", "complaint"),
    [
        ("https://login.example.com/token", HostNotAllowed, "token_url leads to login.example.com"),
        ("http://login.example.com/token", ReplayError, "token_url is http, and login.example.com"),
        ("https://me:hidden-1@login.example.com", ReplayError, "token_url is no https URL"),
        ("login.example.com/token", ReplayError, "token_url is no https URL"),
        ("https://login.example.com:99999/", ReplayError, "token_url is no https URL"),
    ],
)
def test_an_endpoint_has_to_be_allowed_and_safe(
    tmp_path: Path, url: str, error: type[ReplayError], complaint: str
) -> None:
    with pytest.raises(error, match=complaint) as caught:
        asked(tmp_path, ROBOT.replace("http://127.0.0.1:9/token", url))
    assert "hidden-1" not in str(caught.value)


def test_a_code_for_nobody_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoToken, match="--oauth-code is for 'stagin', expected one of: staging"):
        asked(tmp_path, ROBOT, codes={"stagin": "MY_CODE"})


def test_a_code_that_is_named_by_nothing_is_not_repeated(tmp_path: Path) -> None:
    text = ROBOT.replace("client_secret =", "refresh_token =").replace(
        '"client_credentials"', '"refresh_token"'
    )
    with pytest.raises(NoToken, match="what --oauth-code names") as caught:
        asked(tmp_path, text.replace("DEADHEAT_TEST_SECRET", "PATH"), codes={"staging": "my-code"})
    assert "my-code" not in str(caught.value)
