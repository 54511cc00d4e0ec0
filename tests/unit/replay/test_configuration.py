from __future__ import annotations

from pathlib import Path

import pytest

from replay.configuration import (
    Configuration,
    Grant,
    SecretName,
    find_configuration,
    read_configuration,
)
from replay.errors import ConfigurationError
from replay.limits import Limits

CLIENT = """
[oauth.staging]
grant = "client_credentials"
token_url = "https://login.example.com/token"
client_id = "robot"
client_secret = { env = "SECRET" }
"""


def read(tmp_path: Path, text: str) -> Configuration:
    path = tmp_path / "deadheat.toml"
    path.write_text(text)
    return read_configuration(path)


def refused(tmp_path: Path, text: str) -> str:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "deadheat.toml"))
    assert "\n" not in message
    return message


def test_without_a_file_nothing_is_configured() -> None:
    assert read_configuration(None) == Configuration()


def test_everything_that_may_stand_in_it(tmp_path: Path) -> None:
    configuration = read(
        tmp_path,
        """
        [replay]
        allowed_hosts = ["staging.example.com", "fd00::1"]
        max_connections = 5
        [hosts."staging.example.com"]
        max_sends_per_s = 10
        max_runs_per_minute = 6
        [oauth.staging]
        for = ["s1", "header authorization"]
        grant = "authorization_code"
        token_url = "https://login.example.com/token"
        authorize_url = "https://login.example.com/authorize"
        client_id = "app"
        client_secret = { file = "secret.txt" }
        token_endpoint_auth_method = "client_secret_post"
        redirect_uri = "http://127.0.0.1:8400/back"
        scope = "chat offline_access"
        audience = "chat"
        pkce = false
        sign_in_timeout_s = 60
        """,
    )
    assert configuration.replay.allowed_hosts == ("staging.example.com", "fd00::1")
    client = configuration.oauth["staging"]
    assert (client.name, client.grant) == ("staging", Grant.AUTHORIZATION_CODE)
    assert client.serves == ("s1", "header authorization")
    assert client.client_secret == SecretName(file="secret.txt")
    assert (client.pkce, client.sign_in_timeout_s) == (False, 60)


def test_limits_of_a_host_go_before_those_of_all(tmp_path: Path) -> None:
    configuration = read(
        tmp_path,
        "[replay]\nmax_connections = 5\nmax_sends_per_s = 9\n"
        '[hosts."Staging.example.com"]\nmax_connections = 50\n',
    )
    own = configuration.limits_of("staging.example.com")
    assert (own.max_connections, own.max_sends_per_s) == (50, 9)
    assert configuration.limits_of("other.example.com").max_connections == 5


def test_a_secret_file_lies_beside_the_configuration(tmp_path: Path) -> None:
    configuration = read(tmp_path, "")
    assert configuration.secret_file("keys/a") == tmp_path / "keys/a"
    assert configuration.secret_file("/run/secrets/a") == Path("/run/secrets/a")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("no toml", "is no TOML"),
        ("[replay]\nallowed_host = []", "[replay] allowed_host is unknown: did you mean allowed_h"),
        ("[replays]", "replays is unknown: did you mean replay?"),
        ("[replay]\nzzz = 1", "zzz is unknown: expected allowed_hosts, max_connections"),
        ('[hosts."a.example"]\nmax_connection = 1', "did you mean max_connections?"),
        (CLIENT + 'scopes = "a"', "[oauth.staging] scopes is unknown: did you mean scope?"),
        (CLIENT + "path = 1", "[oauth.staging] path is unknown"),
        ("path = 1", "path is unknown"),
        ("[replay]\nallowed_hosts = 'one'", "[replay] allowed_hosts: expected a list, got a text"),
        (
            "[replay]\nallowed_hosts = [1]",
            "[replay] allowed_hosts[0]: expected a text, got a whole number",
        ),
        ("replay = 3", "[replay] expected a table, got a whole number"),
        ("[replay]\nmax_connections = 0", "[replay] max_connections: expected a whole number >= 1"),
        (
            "[replay]\nmax_connections = 1.5",
            "max_connections: expected a whole number, got a number",
        ),
        ("oauth = 3", "[oauth] holds values"),
        ("[oauth]\ngrant = 'x'", "[oauth] holds values, expected tables as in [oauth.NAME]"),
        (
            CLIENT.replace("client_credentials", "password"),
            "] grant: expected one of: client_cred",
        ),
        (CLIENT.replace('client_id = "robot"', ""), "missing required field `client_id`"),
        ("[replay]\nallowed_hosts = ['https://a.example/']", "name or address of one host alone"),
        ("[replay]\nallowed_hosts = ['*.example']", "name or address of one host alone"),
        ("[replay]\nallowed_hosts = ['a.example:443']", "name or address of one host alone"),
        ("[hosts.'a.example:443']", "[hosts] 'a.example:443': expected the name"),
        (CLIENT.replace("client_secret", "refresh_token"), "which needs client_secret"),
        (CLIENT.replace("client_credentials", "refresh_token"), "which needs refresh_token"),
        (CLIENT.replace("client_credentials", "authorization_code"), "which needs authorize_url"),
        (CLIENT + CLIENT.replace("staging", "other"), "both serve all secrets"),
        (CLIENT.replace("{ env", "{ enf"), "[oauth.staging.client_secret] enf is unknown"),
        (CLIENT.replace('"SECRET"', '"A", file = "B"'), "expected either env or file"),
        (CLIENT.replace('{ env = "SECRET" }', "{}"), "expected either env or file"),
    ],
)
def test_what_makes_no_sense_is_one_line(tmp_path: Path, text: str, complaint: str) -> None:
    assert complaint in refused(tmp_path, text)


@pytest.mark.parametrize("name", ["client_secret", "refresh_token", "code_verifier"])
def test_a_secret_in_the_file_itself_is_refused_and_not_repeated(tmp_path: Path, name: str) -> None:
    text = CLIENT.replace('client_secret = { env = "SECRET" }', f'{name} = "hidden-value-1"')
    message = refused(tmp_path, text)
    assert f"[oauth.staging] {name} stands in the file itself" in message
    assert "hidden-value-1" not in message


def test_it_is_found_up_to_the_root_of_the_repository_and_no_further(tmp_path: Path) -> None:
    outside, root, deep = tmp_path, tmp_path / "repository", tmp_path / "repository/a/b"
    deep.mkdir(parents=True)
    (outside / "deadheat.toml").touch()
    # No repository at all: only the working directory counts.
    assert find_configuration(deep) is None
    assert find_configuration(outside) == outside / "deadheat.toml"
    (root / ".git").mkdir()
    assert find_configuration(deep) is None
    (root / "deadheat.toml").touch()
    assert find_configuration(deep) == root / "deadheat.toml"
    (root / "a/deadheat.toml").touch()
    assert find_configuration(deep) == root / "a/deadheat.toml"


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="cannot read"):
        read_configuration(tmp_path)


def test_nothing_is_limited_unless_said() -> None:
    assert Configuration().limits_of("a.example") == Limits()
