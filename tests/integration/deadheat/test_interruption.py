"""SIGINT and SIGTERM at each stage of a replay and a hunt, by real processes."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from capture.format.model import Capture, Frame, Note
from capture.format.reader import read_capture
from tests.integration.deadheat.command_line import COMMAND, deadheat, environment, one_clear_line
from tests.integration.deadheat.test_replay import at
from tests.integration.replay.sessions import saved, sent
from tests.unit.replay.captures import Connection, capture_of

C1 = Connection("c1")
BOTH = pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["INT", "TERM"]
)


def session(*sends_ms: float) -> Capture:
    return capture_of(
        C1.request(0, "ws://recorded.example/echo"),
        C1.response(2),
        *(C1.sent(at_ms, str(at_ms)) for at_ms in sends_ms),
        C1.left(max(sends_ms) + 10),
    )


class Running:
    """A command that is under way."""

    def __init__(self, process: subprocess.Popen[str], out: Path) -> None:
        self.process, self.out = process, out

    def until(self, is_so: Callable[[str], bool], file: str = "") -> None:
        """Wait until what a file has fulfils something."""
        path = self.out / file if file else self.out
        while not is_so(path.read_text() if path.exists() else ""):
            assert self.process.poll() is None, self.process.communicate()

    def end(self, number: int) -> tuple[int, str]:
        self.process.send_signal(number)
        _, complaint = self.process.communicate(timeout=30)
        return self.process.returncode, complaint


@contextmanager
def running(command: str, recorded: Path, target: str, out: Path, *more: str) -> Iterator[Running]:
    arguments = (command, str(recorded), "--target", target, "--out", str(out), *more)
    with subprocess.Popen(
        [*COMMAND, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as process:
        try:
            yield Running(process, out)
        finally:
            process.kill()


class MuteServer:
    """Takes connections and says nothing; hears what comes, and how it ends."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.listening.getsockname()[1]
        self.connected, self.ended = threading.Event(), threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self.listening.accept()
        with connection:
            while True:
                try:
                    data = connection.recv(4096)
                except ConnectionResetError:
                    data = b""
                if not data:
                    break
                self.connected.set()
        self.ended.set()


@pytest.fixture
def mute() -> Iterator[MuteServer]:
    server = MuteServer()
    yield server
    server.listening.close()


def notes(run: Capture) -> list[str]:
    return [event.text for event in run.events if isinstance(event, Note)]


@BOTH
@pytest.mark.parametrize("scheme", ["wss", "ws"], ids=["connecting", "upgrading"])
def test_while_the_server_says_nothing(
    tmp_path: Path, mute: MuteServer, scheme: str, number: int, status: int
) -> None:
    recorded, out = saved(session(10), tmp_path / "session.jsonl"), tmp_path / "run.jsonl"
    with running("replay", recorded, f"{scheme}://127.0.0.1:{mute.port}", out) as replay:
        assert mute.connected.wait(30)
        code, complaint = replay.end(number)
    left = f"deadheat: interrupted; what there was until then is in {out}\n"
    assert (code, complaint) == (status, left)
    assert mute.ended.wait(10)
    assert read_capture(out).problem == ""


@BOTH
def test_while_waiting_between_messages(
    tmp_path: Path, port: int, number: int, status: int
) -> None:
    recorded = saved(session(10, 60_000), tmp_path / "session.jsonl")
    out = tmp_path / "run.jsonl"
    with running("replay", recorded, at(port), out) as replay:
        replay.until(lambda text: '"10"' in text)
        assert replay.end(number)[0] == status
    run = read_capture(out)
    assert run.problem == ""
    assert [frame.text for frame in sent(run)] == ["10"]
    assert "the replay was interrupted" in notes(run)
    goodbyes = [e for e in run.events if isinstance(e, Frame) and e.opcode == "close"]
    assert [frame.close_code for frame in goodbyes] == [1001]


def test_while_sending(tmp_path: Path, port: int) -> None:
    many = session(*(10 + 0.5 * number for number in range(40_000)))
    recorded, out = saved(many, tmp_path / "session.jsonl"), tmp_path / "run.jsonl"
    with running("replay", recorded, at(port), out) as replay:
        replay.until(lambda text: text.count('"step"') > 50)
        assert replay.end(signal.SIGINT)[0] == 130
    run = read_capture(out)
    assert run.problem == ""
    assert 50 <= len(sent(run)) < 40_000


def purposes(table: str) -> list[str]:
    lines = [line for line in table.splitlines(keepends=True) if line.endswith("\n")]
    return [json.loads(line)["purpose"] for line in lines]


@BOTH
@pytest.mark.parametrize("stage", ["baseline", "sweep"])
def test_a_hunt_leaves_what_it_found_out(
    tmp_path: Path, port: int, stage: str, number: int, status: int
) -> None:
    recorded, out = saved(session(5, 25), tmp_path / "session.jsonl"), tmp_path / "hunt"
    with running("hunt", recorded, at(port), out) as hunt:
        hunt.until(lambda table: stage in purposes(table), "runs.jsonl")
        code, complaint = hunt.end(number)
    assert (code, complaint) == (
        status,
        f"deadheat: interrupted; what there was until then is in {out}\n",
    )
    check_readable(out, stage)


def test_a_hunt_that_is_measuring_leaves_what_it_found_out(tmp_path: Path, port: int) -> None:
    recorded, out = saved(session(5, 25), tmp_path / "session.jsonl"), tmp_path / "hunt"
    edit = {"perturbation": "gap", "connection": "c1", "step": 2, "after": "c1 step 1", "gap_ms": 5}
    plan = tmp_path / "plan.json"
    plan.write_text(json.dumps({"edits": [edit]}))
    with running("hunt", recorded, at(port), out, "--plan", str(plan)) as hunt:
        hunt.until(lambda table: "rate" in purposes(table), "runs.jsonl")
        assert hunt.end(signal.SIGINT)[0] == 130
    check_readable(out, "rate")


def check_readable(out: Path, stage: str) -> None:
    """Check that a hunt says that it was interrupted, and that its runs can be read."""
    answer: dict[str, Any] = json.loads((out / "hunt.json").read_text())
    assert (answer["verdict"], answer["finding"]) == ("inconclusive", None)
    table = (out / "runs.jsonl").read_text()
    assert stage in purposes(table)
    assert f"interrupted after {answer['runs']} runs" in answer["reasons"]
    assert answer["runs"] == len(table.splitlines())
    for path in (out / "runs").iterdir():
        assert read_capture(path).problem == ""


def test_a_hunt_that_had_no_run_leaves_nothing(tmp_path: Path, mute: MuteServer) -> None:
    recorded, out = saved(session(10), tmp_path / "session.jsonl"), tmp_path / "hunt"
    with running("hunt", recorded, f"ws://127.0.0.1:{mute.port}", out) as hunt:
        assert mute.connected.wait(30)
        assert hunt.end(signal.SIGTERM) == (143, "deadheat: interrupted\n")
    assert not out.exists()


def test_what_an_interrupted_hunt_left_can_be_hunted_again(tmp_path: Path, port: int) -> None:
    recorded, out = saved(session(5, 25), tmp_path / "session.jsonl"), tmp_path / "hunt"
    with running("hunt", recorded, at(port), out) as hunt:
        hunt.until(lambda table: "baseline" in purposes(table), "runs.jsonl")
        hunt.end(signal.SIGINT)
    again = ("hunt", recorded, "--target", at(port), "--out", out, "--budget", "20")
    assert "holds an earlier hunt" in deadheat(*again).stderr
    assert deadheat(*again, "--overwrite").returncode == 0


def test_an_interrupted_hunt_resumes_and_no_other_does(tmp_path: Path, port: int) -> None:
    recorded, out = saved(session(5, 25), tmp_path / "session.jsonl"), tmp_path / "hunt"
    with running("hunt", recorded, at(port), out) as hunt:
        hunt.until(lambda table: "sweep" in purposes(table), "runs.jsonl")
        hunt.end(signal.SIGKILL)
    done = (out / "runs.jsonl").read_text().splitlines()
    first = (out / "runs" / "0001.capture.jsonl").stat().st_mtime_ns

    def resumed(recorded: Path, *more: str) -> subprocess.CompletedProcess[str]:
        return deadheat("hunt", recorded, "--out", out, "--resume", "--budget", "30", *more)

    other = saved(session(5, 26), tmp_path / "other.jsonl")
    assert "another capture" in one_clear_line(resumed(other, "--target", at(port)))
    wrong_seed = resumed(recorded, "--target", at(port), "--seed", "7")
    assert "with seed 0, and now it is 7" in one_clear_line(wrong_seed)
    assert "and now it is ws://localhost" in one_clear_line(
        resumed(recorded, "--target", f"ws://localhost:{port}")
    )
    other_rate = resumed(recorded, "--target", at(port), "--rate-runs", "5")
    assert "with rate_runs 20, and now it is 5" in one_clear_line(other_rate)
    assert (out / "runs.jsonl").read_text().splitlines() == done
    # The record of a run that was cut short is in nobody's way.
    (out / "runs" / f"{len(done) + 1:04d}.capture.jsonl").write_text("half a rec")

    assert resumed(recorded, "--target", at(port)).returncode == 0
    answer = json.loads((out / "hunt.json").read_text())
    lines = (out / "runs.jsonl").read_text().splitlines()
    assert (answer["verdict"], len(lines)) == ("not reproduced", answer["runs"])
    assert lines[: len(done)] == done
    assert (out / "runs" / "0001.capture.jsonl").stat().st_mtime_ns == first


def test_a_directory_without_a_hunt_is_not_resumed(tmp_path: Path, port: int) -> None:
    recorded = saved(session(5), tmp_path / "session.jsonl")
    arguments = ("hunt", recorded, "--target", at(port), "--out", tmp_path / "hunt", "--resume")
    assert "holds no hunt to resume" in one_clear_line(deadheat(*arguments))
    assert not (tmp_path / "hunt").exists()


@BOTH
def test_a_staging_that_was_not_there_yet_says_that_it_was_interrupted(
    number: signal.Signals, status: int, tmp_path: Path
) -> None:
    arguments = ("staging", "up", "--in-memory", "--port", "0", "--auth-port", "0")
    with subprocess.Popen(
        [*COMMAND, *arguments, "--directory", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as starting:
        # The key is the first thing that it writes; then it starts its services.
        while not list(tmp_path.glob("*/signing_key.pem")):
            assert starting.poll() is None, starting.communicate()
        starting.send_signal(number)
        told, complaint = starting.communicate(timeout=30)
    assert (starting.returncode, told, complaint) == (status, "", "deadheat: interrupted\n")
