"""OAuth 2 against a real authorization server, and a real server that verifies what it issues."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest

from capture.format.model import Secret
from capture.format.reader import read_capture
from tests.integration.deadheat.command_line import (
    COMMAND,
    deadheat,
    environment,
    last_line,
    one_clear_line,
)
from tests.integration.replay.sessions import said, saved
from tests.jwt_shape import JWT_SHAPE
from tests.servers.process import serving
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
CLIENT_SECRET = "robot-secret-nobody-may-read-7"


class Staging:
    """An authorization server, a server that goes by its keys, and a place to work in."""

    def __init__(self, folder: Path, stack: ExitStack, env: dict[str, str]) -> None:
        self.folder = folder
        secret = {"SECRET": CLIENT_SECRET}
        self.oauth_port = stack.enter_context(serving("oauth_server.py", env=secret | env))
        keys = {"JWKS": f"{self.oauth_url}/jwks", **env}
        self.target_port = stack.enter_context(serving("jwks_server.py", env=keys))
        (folder / ".git").mkdir()
        saved(session(), folder / "session.jsonl")

    @property
    def oauth_url(self) -> str:
        return f"http://127.0.0.1:{self.oauth_port}"

    def configure(self, text: str) -> None:
        (self.folder / "deadheat.toml").write_text(text.replace("OAUTH", self.oauth_url))

    def asked(self) -> list[str]:
        answer: list[str] = httpx.get(f"{self.oauth_url}/asked", trust_env=False).json()
        return answer

    def arguments(self, command: str, *more: str) -> tuple[str, ...]:
        target = f"ws://127.0.0.1:{self.target_port}"
        return (command, "session.jsonl", "--target", target, *more)

    def run(
        self, command: str, *more: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        secrets = {"ROBOT_SECRET": CLIENT_SECRET}
        return deadheat(
            *self.arguments(command, *more), cwd=self.folder, env=secrets if env is None else env
        )

    def check_nothing_written(self, *secrets: str) -> None:
        """No secret is in any file that is left, nor anything of JWT shape."""
        for path in self.folder.rglob("*"):
            content = path.read_bytes().decode("latin-1") if path.is_file() else ""
            assert not JWT_SHAPE.search(content), path
            for secret in (CLIENT_SECRET, *secrets):
                assert secret not in content, path


def session() -> Any:  # noqa: ANN401  a capture
    authorization = ("Authorization", "Bearer {{deadheat:jwt:s1}}")
    secret = Secret(id="s1", kind="jwt", where="header authorization", algorithm="RS256")
    return capture_of(
        C1.request(0, "ws://recorded.example/ws", (authorization,), secrets=(secret,)),
        C1.response(2),
        C1.sent(10, "one"),
        C1.said(12, {"type": "said", "by": "ann", "text": "one"}),
        C1.left(30),
    )


Started = Callable[..., Staging]


@pytest.fixture
def staging(tmp_path: Path) -> Iterator[Started]:
    with ExitStack() as stack:

        def started(**env: str) -> Staging:
            return Staging(tmp_path, stack, env)

        yield started


ROBOT = """
[oauth.staging]
grant = "client_credentials"
token_url = "OAUTH/token"
client_id = "robot"
client_secret = { env = "ROBOT_SECRET" }
"""
APP = """
[oauth.person]
grant = "authorization_code"
token_url = "OAUTH/token"
authorize_url = "OAUTH/authorize"
client_id = "app"
sign_in_timeout_s = 30
"""


def spoke_as(done: subprocess.CompletedProcess[str], run: Path) -> str:
    assert done.returncode == 0, done
    (text,) = said(read_capture(run))
    assert isinstance(text, str)
    by: str = json.loads(text)["by"]
    return by


def test_client_credentials_by_basic_authentication(staging: Started) -> None:
    place = staging()
    place.configure(ROBOT)
    done = place.run("replay", "--out", "run.jsonl")
    assert spoke_as(done, place.folder / "run.jsonl") == "robot"
    assert place.asked() == ["client_credentials"]
    place.check_nothing_written()
    assert not JWT_SHAPE.search(done.stdout + done.stderr)


def test_client_credentials_in_the_form_with_an_audience_from_a_file(staging: Started) -> None:
    place = staging(AUDIENCE="chat")
    (place.folder / "keys").mkdir()
    secret_file = place.folder / "keys" / "robot"
    secret_file.write_text(CLIENT_SECRET + "\n")
    post = 'audience = "chat"\ntoken_endpoint_auth_method = "client_secret_post"\n'
    place.configure(
        ROBOT.replace('env = "ROBOT_SECRET"', 'file = "keys/robot"').replace('robot"', 'poster"', 1)
        + post
    )
    done = place.run("replay", "--out", "run.jsonl", env={})
    assert spoke_as(done, place.folder / "run.jsonl") == "poster"
    secret_file.unlink()
    place.check_nothing_written()


def test_a_hunt_asks_once_and_writes_no_token_down(staging: Started) -> None:
    place = staging()
    place.configure(ROBOT)
    few = ("--budget", "30", "--rate-runs", "5", "--out", "hunt", "--json")
    answer = last_line(place.run("hunt", *few))
    assert answer["runs"] > 15
    assert place.asked() == ["client_credentials"]
    place.check_nothing_written()


def test_a_token_is_renewed_before_it_is_over_and_refresh_tokens_rotate(staging: Started) -> None:
    place = staging(LIFETIME="4", FIRST_REFRESH="first-refresh-token-1")
    place.configure("""
        [oauth.staging]
        grant = "refresh_token"
        token_url = "OAUTH/token"
        client_id = "app"
        refresh_token = { env = "REFRESH" }
    """)
    few = ("--budget", "60", "--rate-runs", "5", "--out", "hunt", "--json")
    answer = last_line(place.run("hunt", *few, env={"REFRESH": "first-refresh-token-1"}))
    assert answer["verdict"] == "not reproduced", answer
    asked = place.asked()
    assert set(asked) == {"refresh_token"}
    # Once for each token's life, not once for each run.
    assert 2 <= len(asked) < answer["runs"] / 2
    place.check_nothing_written("first-refresh-token-1")


def test_a_code_that_comes_back_at_once_needs_no_person(staging: Started) -> None:
    place = staging(DIRECT="1")
    place.configure(APP)
    done = place.run("replay", "--out", "run.jsonl", env={})
    assert spoke_as(done, place.folder / "run.jsonl") == "app"
    assert place.asked() == ["authorize", "authorization_code"]
    assert done.stderr == ""
    place.check_nothing_written()


def test_a_person_signs_in_with_a_browser(staging: Started) -> None:
    place = staging()
    place.configure(APP)
    process = subprocess.Popen(
        [*COMMAND, *place.arguments("replay", "--out", "run.jsonl")],
        cwd=place.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    line = process.stderr.readline()
    found = re.search(r"\[oauth\.person\]: sign in at (\S+)", line)
    assert found, line
    with httpx.Client(trust_env=False, follow_redirects=True) as browser:
        assert "Sign in" in browser.get(found[1]).text
        redirect = browser.get(found[1].replace("/authorize?", "/approve?"), follow_redirects=False)
        back = redirect.headers["location"]
        icon = back.partition("/callback")[0] + "/favicon.ico"
        assert browser.get(icon).status_code == 404
        assert browser.get(back).text.startswith("Signed in")
    stdout, stderr = process.communicate(timeout=60)
    done = subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)
    assert spoke_as(done, place.folder / "run.jsonl") == "app"
    code = httpx.URL(back).params["code"]
    assert code not in stdout + stderr + line
    place.check_nothing_written(code)


def test_nobody_signs_in(staging: Started) -> None:
    place = staging()
    place.configure(APP.replace("30", "0.3"))
    done = place.run("replay", "--out", "run.jsonl", env={})
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "deadheat: [oauth.person]: nobody signed in within 0.3 s"
    )
    assert not (place.folder / "run.jsonl").exists()


def test_an_answer_with_another_state_is_not_believed(staging: Started) -> None:
    place = staging(DIRECT="1", FORGED_STATE="another")
    place.configure(APP)
    line = one_clear_line(place.run("replay", "--out", "run.jsonl", env={}))
    assert "another state than was sent" in line
    assert place.asked() == ["authorize"]


def test_a_code_from_elsewhere(staging: Started) -> None:
    place = staging()
    verifier, challenge = "v" * 50, "CrlVwe1WSHWuTQYh3iczmx3aS-faRx6C92k9_hNxl4A"
    back = "https://app.example/callback"
    asked = httpx.QueryParams(
        client_id="app", redirect_uri=back, code_challenge=challenge, state="x"
    )
    answer = httpx.get(f"{place.oauth_url}/approve?{asked}", trust_env=False)
    code = httpx.URL(answer.headers["location"]).params["code"]
    settings = f'redirect_uri = "{back}"\ncode_verifier = {{ env = "VERIFIER" }}\n'
    place.configure(APP + settings)
    given = {"MY_CODE": code, "VERIFIER": verifier}
    run = ("replay", "--out", "run.jsonl", "--oauth-code", "person=MY_CODE")
    done = place.run(*run, env=given)
    assert spoke_as(done, place.folder / "run.jsonl") == "app"
    # A code is good once; what the endpoint repeats of it is not shown.
    line = one_clear_line(place.run(*run, "--overwrite", env=given))
    assert "the token endpoint refused: invalid_grant" in line
    assert code not in line


@pytest.mark.parametrize(
    ("how", "complaint"),
    [
        ("html", "answered something else than JSON with a token"),
        ("broken", "answered 503"),
        ("redirect", "answered 307"),
        ("empty", "answered without an access_token"),
        ("list", "answered something else than JSON with a token"),
    ],
)
def test_an_endpoint_that_is_none_is_told_in_one_line(
    staging: Started, how: str, complaint: str
) -> None:
    place = staging()
    place.configure(ROBOT.replace("/token", f"/strange/{how}"))
    line = one_clear_line(place.run("replay", "--out", "run.jsonl"))
    assert "[oauth.staging]" in line
    assert complaint in line
    assert CLIENT_SECRET not in line
    assert not (place.folder / "run.jsonl").exists()


def test_a_refusal_does_not_show_the_secret_that_it_repeats(staging: Started) -> None:
    place = staging()
    place.configure(ROBOT)
    wrong = "not-the-secret-but-secret-too-9"
    line = one_clear_line(place.run("replay", "--out", "run.jsonl", env={"ROBOT_SECRET": wrong}))
    assert "the token endpoint refused: invalid_client" in line
    assert wrong not in line


def test_an_endpoint_that_is_not_allowed_is_not_asked(staging: Started) -> None:
    place = staging()
    place.configure(ROBOT.replace("OAUTH/token", "https://login.example.com/token"))
    line = one_clear_line(place.run("replay", "--out", "run.jsonl"))
    assert "[oauth.staging] token_url leads to login.example.com" in line
    assert "--allow-host login.example.com" in line


def test_a_client_that_is_not_needed_is_not_asked_for_its_secret(staging: Started) -> None:
    place = staging()
    place.configure(ROBOT + 'for = ["s7"]\n')
    line = one_clear_line(place.run("replay", "--out", "run.jsonl", env={}))
    assert "placeholder s1" in line
    assert "ROBOT_SECRET" not in line
    assert place.asked() == []


def test_a_dry_run_asks_nobody_and_needs_no_secret(staging: Started) -> None:
    place = staging()
    place.configure(ROBOT)
    done = place.run("replay", "--dry-run", env={})
    assert done.returncode == 0, done.stderr
    assert "s1: [oauth.staging]" in done.stdout
    assert place.asked() == []


def test_not_even_a_log_of_everything_has_a_token(staging: Started) -> None:
    """As in a notebook whose author logs all that any library says."""
    place = staging(DIRECT="1")
    place.configure(APP)
    arguments = place.arguments("replay", "--out", "run.jsonl")
    code = (
        "import logging, sys; logging.basicConfig(level=logging.DEBUG, stream=sys.stdout)\n"
        "logging.getLogger('test').debug('all is logged')\n"
        f"from deadheat.__main__ import main; sys.exit(main({arguments!r}))"
    )
    done = subprocess.run(
        [COMMAND[0], "-c", code],
        cwd=place.folder,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert spoke_as(done, place.folder / "run.jsonl") == "app"
    assert "DEBUG:test:all is logged" in done.stdout
    assert not JWT_SHAPE.search(done.stdout + done.stderr)
    assert "code=" not in done.stdout + done.stderr


def test_tokens_are_not_in_the_list_of_processes(staging: Started) -> None:
    """The secret comes by the environment; the command line has only its name."""
    place = staging(DIRECT="")
    place.configure(APP)
    process = subprocess.Popen(
        [*COMMAND, *place.arguments("replay", "--out", "run.jsonl")],
        cwd=place.folder,
        env=environment({"ROBOT_SECRET": CLIENT_SECRET}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stderr is not None
    process.stderr.readline()
    command_line = Path(f"/proc/{process.pid}/cmdline")
    if command_line.exists():
        assert CLIENT_SECRET.encode() not in command_line.read_bytes()
    process.send_signal(2)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr.decode()) == (130, "deadheat: interrupted\n")
    assert os.listdir(place.folder).count("run.jsonl") == 0
