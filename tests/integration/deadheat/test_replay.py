"""`deadheat replay`, from outside."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
from pathlib import Path

import jwt
import pytest

from capture.format.model import Capture, Note, Secret
from capture.format.reader import read_capture
from tests.integration.deadheat.command_line import (
    COMMAND,
    deadheat,
    environment,
    last_line,
    one_clear_line,
)
from tests.integration.replay.sessions import said, saved, sent
from tests.jwt_shape import JWT_SHAPE
from tests.servers.process import serving
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
KEY = "a-key-of-at-least-thirty-two-bytes!"


def session(path: str = "/echo") -> Capture:
    return capture_of(
        C1.request(0, f"ws://recorded.example{path}"),
        C1.response(2),
        C1.sent(10, "one"),
        C1.said(12, "one"),
        C1.sent(30, "two"),
        C1.said(32, "two"),
        C1.left(50),
    )


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return saved(session(), tmp_path / "session.jsonl")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def at(port: int) -> str:
    return f"ws://127.0.0.1:{port}"


@pytest.fixture
def nobody() -> str:
    """A target where nobody listens."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return at(unused.getsockname()[1])


def test_a_run_is_a_capture_that_says_what_it_was(recorded: Path, out: Path, port: int) -> None:
    done = deadheat("replay", recorded, "--target", at(port), "--out", out)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"run: {out}" in done.stdout
    run = read_capture(out)
    assert (run.problem, run.header.vantage) == ("", "client")
    assert run.header.about["target"] == at(port)
    assert said(run) == ["one", "two"]
    assert [frame.step for frame in sent(run)] == [1, 2]
    assert out.stat().st_mode & 0o777 == 0o600


def test_events_as_json_and_a_summary(recorded: Path, out: Path, port: int) -> None:
    done = deadheat("replay", recorded, "--target", at(port), "--out", out, "--json")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["event"] for event in events][:2] == ["upgrade_request", "upgrade_response"]
    assert events[-1]["event"] == "summary"
    assert events[-1]["connections"] == 1
    assert events[-1]["lateness"]["sends"] == 4


def test_a_refused_handshake_is_told(out: Path, port: int, tmp_path: Path) -> None:
    refused = saved(session("/refuse"), tmp_path / "session.jsonl")
    done = deadheat("replay", refused, "--target", at(port), "--out", out)
    assert done.returncode == 0
    first = done.stdout.splitlines()[0]
    assert first.startswith("not as recorded: the handshake of c1 was answered 403")
    again = ("--overwrite", "--json")
    events = deadheat("replay", refused, "--target", at(port), "--out", out, *again).stdout
    assert "answered 403" in json.loads(events.splitlines()[-1])["departures"][0]


def test_the_capture_itself_is_never_the_output(recorded: Path, port: int) -> None:
    before = recorded.read_bytes()
    done = deadheat("replay", recorded, "--target", at(port), "--out", recorded, "--overwrite")
    assert done.returncode == 1
    assert "is the capture itself: name another file" in done.stderr
    assert recorded.read_bytes() == before


def test_a_run_that_never_began_gives_back_what_was_there(
    recorded: Path, out: Path, nobody: str
) -> None:
    out.write_text("earlier")
    done = deadheat("replay", recorded, "--target", nobody, "--out", out, "--overwrite")
    assert done.returncode == 1
    assert out.read_text() == "earlier"


def test_a_run_can_be_replayed_from_its_file(recorded: Path, out: Path, port: int) -> None:
    assert deadheat("replay", recorded, "--target", at(port), "--out", out).returncode == 0
    again = out.with_name("again.jsonl")
    assert deadheat("replay", out, "--target", at(port), "--out", again).returncode == 0
    assert said(read_capture(again)) == ["one", "two"]


def test_edits_of_a_plan_are_applied(recorded: Path, out: Path, port: int, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    edit = {
        "perturbation": "gap",
        "connection": "c1",
        "step": 2,
        "after": "c1 step 1",
        "gap_ms": 90,
    }
    plan.write_text(json.dumps({"edits": [edit]}))
    done = deadheat("replay", recorded, "--target", at(port), "--plan", plan, "--out", out)
    assert done.returncode == 0
    run = read_capture(out)
    one, two = sent(run)
    assert two.at_ns - one.at_ns >= 90_000_000
    assert json.loads(run.header.about["edits"]) == [edit]


def test_an_edit_that_does_not_fit_is_one_clear_line(
    recorded: Path, out: Path, port: int, tmp_path: Path
) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(
        '{"edits": [{"perturbation": "handshake_delay", "connection": "c7", "by_ms": 1}]}'
    )
    done = deadheat("replay", recorded, "--target", at(port), "--plan", plan, "--out", out)
    assert "no connection 'c7'" in one_clear_line(done)
    assert not out.exists()


def test_a_refused_handshake_is_a_run_like_any_other(tmp_path: Path, out: Path, port: int) -> None:
    recorded = saved(session("/refuse"), tmp_path / "session.jsonl")
    assert deadheat("replay", recorded, "--target", at(port), "--out", out).returncode == 0
    statuses = [e.status for e in read_capture(out).events if hasattr(e, "status")]
    assert statuses == [403]


def test_a_target_that_is_not_there_is_one_clear_line(
    recorded: Path, out: Path, nobody: str
) -> None:
    line = one_clear_line(deadheat("replay", recorded, "--target", nobody, "--out", out))
    assert "cannot connect to 127.0.0.1:" in line
    assert "is the server running?" in line
    assert not out.exists()


def test_a_host_that_was_not_allowed_is_not_talked_to(recorded: Path, out: Path) -> None:
    done = deadheat("replay", recorded, "--target", "ws://staging.invalid", "--out", out)
    assert "--allow-host staging.invalid" in one_clear_line(done)
    assert not out.exists()


@pytest.mark.parametrize("by", ["option", "file"])
def test_an_allowed_host_is_talked_to(recorded: Path, out: Path, tmp_path: Path, by: str) -> None:
    arguments = ["--allow-host", "staging.invalid"] if by == "option" else []
    if by == "file":
        (tmp_path / "deadheat.toml").write_text('[replay]\nallowed_hosts = ["staging.invalid"]\n')
    done = deadheat(
        "replay",
        recorded,
        "--target",
        "ws://staging.invalid",
        "--out",
        out,
        *arguments,
        cwd=tmp_path,
    )
    assert "cannot connect to staging.invalid:80" in one_clear_line(done)


@pytest.mark.parametrize("patience", ["-1", "nan", "inf"])
def test_patience_that_is_none_is_one_clear_line(recorded: Path, out: Path, patience: str) -> None:
    done = deadheat(
        "replay", recorded, "--target", "ws://127.0.0.1:1", f"--patience={patience}", "--out", out
    )
    assert "expected 0 to" in one_clear_line(done)


def test_an_earlier_run_is_kept_unless_told_otherwise(recorded: Path, out: Path, port: int) -> None:
    out.write_text("earlier")
    arguments = ("replay", recorded, "--target", at(port), "--out", out)
    assert "--overwrite" in one_clear_line(deadheat(*arguments))
    assert out.read_text() == "earlier"
    assert deadheat(*arguments, "--overwrite").returncode == 0


@pytest.mark.parametrize(("name", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_what_was_recorded_survives_a_signal(
    tmp_path: Path, out: Path, port: int, name: signal.Signals, status: int
) -> None:
    long = capture_of(
        C1.request(0, "ws://recorded.example/echo"),
        C1.response(2),
        C1.sent(10, "one"),
        C1.sent(60_000, "much later"),
        C1.left(60_100),
    )
    recorded = saved(long, tmp_path / "session.jsonl")
    arguments = ("replay", str(recorded), "--target", at(port), "--out", str(out))
    with subprocess.Popen(
        [*COMMAND, *arguments], stderr=subprocess.PIPE, text=True, env=environment()
    ) as process:
        while "one" not in (out.read_text() if out.exists() else ""):
            assert process.poll() is None
        process.send_signal(name)
        _, complaint = process.communicate(timeout=20)
    assert process.returncode == status
    assert complaint == f"deadheat: interrupted; what there was until then is in {out}\n"
    run = read_capture(out)
    assert run.problem == ""
    assert [frame.text for frame in sent(run)] == ["one"]
    notes = [event.text for event in run.events if isinstance(event, Note)]
    assert "the replay was interrupted" in notes


def secured(tmp_path: Path) -> Path:
    """A session whose client showed a JWT, with its placeholder."""
    secret = Secret(
        id="s1",
        kind="jwt",
        where="url query token",
        algorithm="HS256",
        header={"typ": "JWT"},
        claims={"sub": "ann", "iat": 1, "exp": 61},
        lifetime_s=60,
    )
    url = "ws://recorded.example/chat?token={{deadheat:jwt:s1}}"
    said = {"type": "said", "by": "ann", "text": "hi"}
    capture = capture_of(
        C1.request(0, url, secrets=(secret,)),
        C1.response(5),
        C1.sent(20, "hi"),
        C1.said(25, said),
        C1.left(50),
    )
    return saved(capture, tmp_path / "secured.jsonl")


def test_a_token_is_minted_and_never_written_down(tmp_path: Path, out: Path) -> None:
    with serving("starlette_server.py", env={"KEY": KEY}) as port:
        done = deadheat(
            *("replay", secured(tmp_path), "--target", at(port), "--jwt-key", "MY_KEY"),
            *("--out", out, "--json"),
            env={"MY_KEY": KEY},
        )
    assert last_line(done)["event"] == "summary"
    assert said(read_capture(out)) == ['{"type":"said","by":"ann","text":"hi"}']
    for text in (out.read_text(), done.stdout, done.stderr):
        assert not JWT_SHAPE.search(text)
        assert KEY not in text
    assert "{{deadheat:jwt:s1}}" in out.read_text()


def test_a_token_of_a_command_is_never_written_down(tmp_path: Path, out: Path) -> None:
    token = jwt.encode({"sub": "ann"}, KEY)
    (tmp_path / "token.txt").write_text(token)
    with serving("starlette_server.py", env={"KEY": KEY}) as port:
        done = deadheat(
            *("replay", secured(tmp_path), "--target", at(port), "--out", out, "--json"),
            *("--token-command", f"cat {tmp_path / 'token.txt'}"),
        )
    assert done.returncode == 0, done.stderr
    assert token not in out.read_text() + done.stdout + done.stderr


def test_a_secret_that_looks_like_a_word_is_never_written_down(
    tmp_path: Path, out: Path, port: int
) -> None:
    secret = Secret(id="s1", kind="password", where="message")
    capture = capture_of(
        C1.request(0, "ws://recorded.example/echo"),
        C1.response(2),
        C1.sent(10, "hello"),
        C1.sent(20, "open {{deadheat:password:s1}} please", secrets=(secret,)),
        C1.left(50),
    )
    recorded = saved(capture, tmp_path / "session.jsonl")
    done = deadheat(
        *("replay", recorded, "--target", at(port), "--secret", "s1=MY_WORD", "--out", out),
        env={"MY_WORD": "sesame-seeds"},
    )
    assert done.returncode == 0, done.stderr
    assert said(read_capture(out))[1] == "open {{deadheat:password:s1}} please"
    assert "sesame-seeds" not in out.read_text()


def test_the_token_in_a_target_is_never_written_down(recorded: Path, out: Path, port: int) -> None:
    target = f"{at(port)}/echo?token=nobody-may-read-this-1"
    done = deadheat("replay", recorded, "--target", target, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "nobody-may-read-this-1" not in out.read_text() + done.stdout


def test_a_missing_token_is_said_before_anything_is_sent(
    tmp_path: Path, out: Path, nobody: str
) -> None:
    # Nobody listens there: a run that began would complain of that.
    done = deadheat("replay", secured(tmp_path), "--target", nobody, "--out", out)
    assert "pass --jwt-key or --token-command" in one_clear_line(done)
    assert not out.exists()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate and its key for this machine, signed by itself."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    key, cert = path.with_name("key.pem"), path.with_name("cert.pem")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(key.read_text() + cert.read_text())
    return path


def test_tls_is_spoken_and_certificates_are_checked(
    recorded: Path, out: Path, certificate: Path
) -> None:
    with serving("websockets_server.py", "--certificate", str(certificate)) as port:
        arguments = ("replay", recorded, "--target", f"wss://127.0.0.1:{port}", "--out", out)
        line = one_clear_line(deadheat(*arguments))
        assert "certificate verify failed" in line
        assert "--ca-file" in line
        assert not out.exists()
        trusted = certificate.with_name("cert.pem")
        assert deadheat(*arguments, "--ca-file", trusted).returncode == 0
    assert said(read_capture(out)) == ["one", "two"]


def test_certificates_that_cannot_be_read_leave_no_run(recorded: Path, out: Path) -> None:
    done = deadheat(
        *("replay", recorded, "--target", "wss://127.0.0.1:1", "--out", out),
        *("--ca-file", "absent.pem"),
    )
    assert "cannot use absent.pem as an authority" in one_clear_line(done)
    assert not out.exists()


def test_without_a_target_there_is_one_clear_line(recorded: Path, out: Path) -> None:
    assert "--target ws://host:port" in one_clear_line(deadheat("replay", recorded, "--out", out))
