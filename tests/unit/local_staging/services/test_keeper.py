"""The keeper as its parent meets it: a real process that keeps another."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]
# Says its process id, then waits for ever; SIGINT has it say so.
PROGRAM = (
    "import os, signal, sys\n"
    "signal.signal(signal.SIGINT, lambda *_: (print('interrupted', flush=True), sys.exit(7)))\n"
    "print(os.getpid(), flush=True)\n"
    "signal.pause()\n"
)


def keeper(*options: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "local_staging.services.keeper", *options, "--"]
    return subprocess.Popen(
        [*command, sys.executable, "-c", PROGRAM],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_the_program_ends_with_standard_input_and_its_directory_goes(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    (directory / "file").write_text("x")
    with keeper("--stop-signal", "SIGINT", "--remove", str(directory)) as process:
        pid = int(first_line(process))
        assert process.stdin is not None
        process.stdin.close()
        assert first_line(process) == "interrupted"
        assert process.wait(20) == 7
    assert not is_alive(pid)
    assert not directory.exists()


def test_a_signal_for_the_keeper_is_one_for_the_program() -> None:
    with keeper("--stop-signal", "SIGINT") as process:
        pid = int(first_line(process))
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 7
    assert not is_alive(pid)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can choose who runs a program")
def test_root_runs_it_as_somebody_else() -> None:
    command = [sys.executable, "-m", "local_staging.services.keeper", "--user", "nobody"]
    with subprocess.Popen(
        [*command, "--", "id", "-un"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert first_line(process) == "nobody"
        assert process.wait(20) == 0
