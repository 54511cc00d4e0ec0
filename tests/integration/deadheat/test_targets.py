"""Targets, limits and dry runs of whole commands."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from capture.format.model import Capture, Frame, Note, UpgradeRequest
from capture.format.reader import read_capture
from tests.integration.deadheat.command_line import (
    COMMAND,
    deadheat,
    environment,
    last_line,
    one_clear_line,
)
from tests.integration.deadheat.test_replay import at, certificate, session
from tests.integration.replay.sessions import said, saved
from tests.servers.process import serving
from tests.unit.replay.captures import Connection, capture_of

__all__ = ["certificate"]
C1 = Connection("c1")


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    return saved(session(), tmp_path / "session.jsonl")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "run.jsonl"


def crowd(size: int, path: str = "/echo") -> Capture:
    """So many connections, opened 10 ms apart, each with one message, and all open for a while."""
    return capture_of(
        *(
            [
                connection.request(10 * number, f"ws://recorded.example{path}"),
                connection.response(10 * number + 2),
                connection.sent(10 * number + 5, "hello"),
                connection.left(2_000 + number),
            ]
            for number, connection in ((n, Connection(f"c{n}")) for n in range(size))
        )
    )


def test_a_redirect_is_told_and_not_followed(tmp_path: Path, out: Path, port: int) -> None:
    moved = saved(session("/moved"), tmp_path / "session.jsonl")
    done = deadheat("replay", moved, "--target", at(port), "--out", out)
    assert done.returncode == 0
    first = done.stdout.splitlines()[0]
    assert first.startswith("not as recorded: the handshake of c1 was answered 302")
    assert "redirected to ws://elsewhere.example/ws?token={{deadheat:token:" in first
    assert "nobody-may-read-this-1" not in done.stdout + out.read_text()
    requests = [e for e in read_capture(out).events if isinstance(e, UpgradeRequest)]
    assert len(requests) == 1


def has_ipv6() -> bool:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return False
    return True


@pytest.mark.skipif(not has_ipv6(), reason="this machine has no ::1")
def test_an_ipv6_address_in_both_schemes(recorded: Path, out: Path, tmp_path: Path) -> None:
    with serving("websockets_server.py", "--host", "::1") as port:
        done = deadheat("replay", recorded, "--target", f"ws://[::1]:{port}", "--out", out)
    assert done.returncode == 0, done.stderr
    run = read_capture(out)
    assert (said(run), run.header.about["target"]) == (["one", "two"], f"ws://[::1]:{port}")


def test_a_password_in_the_target_is_refused_and_not_repeated(recorded: Path, out: Path) -> None:
    done = deadheat("replay", recorded, "--target", "ws://ann:pass-word-1@127.0.0.1", "--out", out)
    line = one_clear_line(done)
    assert "the target has a name or password before 127.0.0.1" in line
    assert "pass-word-1" not in line


def test_a_dry_run_sends_nothing_and_leaves_nothing(recorded: Path, tmp_path: Path) -> None:
    """Whoever listened there would have a connection to accept."""
    before = sorted(tmp_path.iterdir())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.3)
        target = at(listening.getsockname()[1])
        done = deadheat("replay", recorded, "--target", target, "--dry-run")
        hunted = deadheat("hunt", recorded, "--target", target, "--dry-run", "--json")
        with pytest.raises(TimeoutError):
            listening.accept()
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2 + 4
    assert last_line(hunted)["runs_at_most"] == 200
    assert sorted(tmp_path.iterdir()) == before


def test_a_dry_run_tells_what_the_run_then_does(recorded: Path, out: Path, port: int) -> None:
    lines = deadheat("replay", recorded, "--target", at(port), "--dry-run", "--json").stdout
    head, *steps = [json.loads(line) for line in lines.splitlines()]
    assert (head["event"], head["target"]) == ("dry_run", at(port))
    deadheat("replay", recorded, "--target", at(port), "--out", out)
    frames = [e for e in read_capture(out).events if isinstance(e, Frame) and e.step is not None]
    told = [(step["step"], step["text"]) for step in steps if step["kind"] == "send text"]
    assert told == [(frame.step, frame.text) for frame in frames if frame.opcode == "text"]


def test_without_a_place_for_the_run_there_is_one_clear_line(recorded: Path, port: int) -> None:
    for command, option in (("replay", "--out RUN"), ("hunt", "--out DIR")):
        line = one_clear_line(deadheat(command, recorded, "--target", at(port)))
        assert f"pass {option}, or --dry-run" in line


@pytest.mark.parametrize(
    ("limit", "complaint"),
    [
        (("--max-connections", "3"), "c3 step 0 (open) at 30.0 ms would be connection 4 at a time"),
        (("--max-rate", "5"), "would be send 6 within a second"),
    ],
)
def test_a_plan_that_exceeds_the_limits_is_not_sent(
    tmp_path: Path, out: Path, limit: tuple[str, str], complaint: str
) -> None:
    recorded = saved(crowd(8), tmp_path / "session.jsonl")
    with socket.create_server(("127.0.0.1", 0)) as listening:
        target = ("--target", at(listening.getsockname()[1]), *limit)
        line = one_clear_line(deadheat("replay", recorded, *target, "--out", out))
        assert complaint in line
        assert complaint in one_clear_line(deadheat("hunt", recorded, *target, "--out", out))
        dry = deadheat("replay", recorded, *target, "--dry-run")
        (refusal,) = [line for line in dry.stdout.splitlines() if "would be refused" in line]
        assert complaint in refusal
        listening.settimeout(0.1)
        with pytest.raises(TimeoutError):
            listening.accept()
    assert not out.exists()


def test_limits_come_from_the_configuration_of_the_host(
    tmp_path: Path, out: Path, port: int
) -> None:
    recorded = saved(crowd(8), tmp_path / "session.jsonl")
    (tmp_path / "deadheat.toml").write_text('[hosts."127.0.0.1"]\nmax_connections = 7\n')
    arguments = ("replay", recorded, "--target", at(port), "--out", out)
    line = one_clear_line(deadheat(*arguments, cwd=tmp_path))
    assert "expected at most 7 (max_connections)" in line
    done = deadheat(*arguments, "--max-connections", "8", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_a_server_that_holds_connections_longer_stops_the_run(tmp_path: Path, out: Path) -> None:
    """By the recording c1 has ended when c2 opens; this server never lets it end."""
    one_by_one = capture_of(
        C1.request(0, "ws://recorded.example/echo"),
        C1.response(2),
        C1.left(5),
        Connection("c2").request(300, "ws://recorded.example/echo"),
        Connection("c2").response(302),
        Connection("c2").left(310),
    )
    recorded = saved(one_by_one, tmp_path / "session.jsonl")
    with socket.create_server(("127.0.0.1", 0)) as mute:
        target = ("--target", at(mute.getsockname()[1]), "--max-connections", "1")
        paced = ("--pace", "recorded", "--patience", "1")
        line = one_clear_line(deadheat("replay", recorded, *target, *paced, "--out", out))
    assert "c2 step 0 (open)" in line
    assert f"{out} has what was sent until then" in line
    run = read_capture(out)
    assert run.problem == ""
    assert any(e.text.startswith("stopped by a limit: ") for e in run.events if isinstance(e, Note))
    assert [e.connection for e in run.events if isinstance(e, UpgradeRequest)] == ["c1"]


def test_a_hunt_counts_a_run_over_the_limits_as_unknown(tmp_path: Path, port: int) -> None:
    """Unperturbed the session keeps to the limit; moved together its sends do not."""
    spread = capture_of(
        C1.request(0, "ws://recorded.example/echo"),
        C1.response(2),
        C1.sent(600, "1"),
        C1.said(602, "1"),
        C1.sent(1_200, "2"),
        C1.said(1_202, "2"),
        C1.left(1_210),
    )
    recorded, out = saved(spread, tmp_path / "session.jsonl"), tmp_path / "hunt"
    limited = ("--max-rate", "2", "--budget", "24", "--rate-runs", "5", "--json")
    answer = last_line(deadheat("hunt", recorded, "--target", at(port), "--out", out, *limited))
    assert answer["verdict"] != "reproduced"
    trials = [json.loads(line) for line in (out / "runs.jsonl").read_text().splitlines()]
    stopped = [each for each in trials if each["reason"].startswith("stopped by a limit: ")]
    assert stopped
    assert {each["verdict"] for each in stopped} == {"unknown"}
    for each in stopped:
        assert not any(isinstance(e, Frame) for e in read_capture(out / each["capture"]).events)


def test_runs_of_a_hunt_keep_to_their_number_a_minute(tmp_path: Path, port: int) -> None:
    """Three at once, and the next has to wait: by then the hunt is ended."""
    recorded, out = saved(session(), tmp_path / "session.jsonl"), tmp_path / "hunt"
    (tmp_path / "deadheat.toml").write_text("[replay]\nmax_runs_per_minute = 3\n")
    arguments = ("hunt", str(recorded), "--target", at(port), "--out", str(out))
    with subprocess.Popen(
        [*COMMAND, *arguments], cwd=tmp_path, env=environment(), stderr=subprocess.DEVNULL
    ) as process:
        table = out / "runs.jsonl"
        while not table.exists() or len(table.read_text().splitlines()) < 3:
            assert process.poll() is None
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=3)
        process.send_signal(signal.SIGINT)
        process.wait(timeout=20)
    assert len(table.read_text().splitlines()) == 3


def test_a_configuration_in_the_root_of_the_repository_counts(
    tmp_path: Path, recorded: Path, out: Path
) -> None:
    deep = tmp_path / "a/b"
    deep.mkdir(parents=True)
    (tmp_path / ".git").mkdir()
    (tmp_path / "deadheat.toml").write_text("[replay]\nallowed_host = []\n")
    done = deadheat("replay", recorded, "--target", "ws://h", "--out", out, cwd=deep)
    assert "[replay] allowed_host is unknown: did you mean allowed_hosts?" in one_clear_line(done)
    shutil.rmtree(tmp_path / ".git")
    done = deadheat("replay", recorded, "--target", "ws://h", "--out", out, cwd=deep)
    assert "--allow-host h" in one_clear_line(done)
