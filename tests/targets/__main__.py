"""Hunts on small servers of many makes: does it find each race, and accuse no healthy build?

`python -m tests.targets [NAME …]` records a healthy session on each target and build, and hunts
through the command line. What the servers need is installed once, next to them.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from capture.clock import monotonic_ns
from capture.format.reader import read_capture
from capture.recording_process import recording
from replay.planning import plan_from_capture
from tests.targets.catalogue import ALL, Target
from tests.targets.outcome import BUILDS, Outcome, outcome_of, table

HERE = Path(__file__).parent
SERVERS, ENVIRONMENT = HERE / "servers", HERE / ".venv"
NODE_MODULES = HERE.parent / "servers" / "node_modules"
COMMAND = "python -m tests.targets"
START_S = 20.0


@contextmanager
def serving(target: Target, build: str, python: str, log: Path) -> Iterator[str]:
    """Start a target; yield its URL. Raises TimeoutError when it does not come up."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    is_node = target.file.endswith(".js")
    program = (shutil.which("node") or "node") if is_node else python
    arguments = [str(SERVERS / target.file), "--port", str(port), "--build", build]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [program, *arguments],
            stdout=out,
            stderr=out,
            env=os.environ | {"NODE_PATH": str(NODE_MODULES)},
        )
    try:
        _wait_for(port, process, log)
        yield f"ws://127.0.0.1:{port}/ws"
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    until_ns = monotonic_ns() + round(START_S * 1e9)
    while monotonic_ns() < until_ns:
        if process.poll() is not None:
            raise TimeoutError(f"the server ended: {log.read_text()[-400:]}")
        try:
            socket.create_connection(("127.0.0.1", port), 0.2).close()
        except OSError:
            time.sleep(0.05)  # noqa: TID251  for a process to start
        else:
            return
    raise TimeoutError(f"the server did not come up: {log.read_text()[-400:]}")


def hunted(target: Target, build: str, seed: int, budget: int, python: str, *more: str) -> Outcome:
    """Record a healthy session and hunt with it. Raises RuntimeError when a command fails."""
    kept = Path("runs/targets")
    kept.mkdir(parents=True, exist_ok=True)
    directory = Path(tempfile.mkdtemp(prefix=f"{target.name}-{build}-{seed}-", dir=kept))
    capture = directory / "healthy.capture.jsonl"
    with serving(target, build, python, directory / "server.log") as url:
        asyncio.run(_recorded(target, url, capture))
        began_ns = monotonic_ns()
        answer = _answer(
            *("hunt", str(capture), "--target", url, "--seed", str(seed), "--json"),
            *("--budget", str(budget), "--out", str(directory / "hunt"), *more),
        )
        took_s = (monotonic_ns() - began_ns) / 1e9
    plan = plan_from_capture(read_capture(capture))
    return outcome_of(target, build, seed, plan, answer, round(took_s, 1))


async def _recorded(target: Target, url: str, capture: Path) -> None:
    async with recording(url, capture) as proxied:
        # The proxy has no path of its own.
        await target.session(f"{proxied.rstrip('/')}/ws" if "/ws" not in proxied[5:] else proxied)


def _answer(*command: str) -> dict[str, Any]:
    done = subprocess.run(
        (sys.executable, "-m", "deadheat", *command), capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def environment() -> str:
    """Return the Python of the servers, with what they need installed."""
    python, stamp = ENVIRONMENT / "bin" / "python", ENVIRONMENT / ".ready"
    wanted = (HERE / "requirements.txt").read_text()
    if not stamp.exists() or stamp.read_text() != wanted:
        subprocess.run([sys.executable, "-m", "venv", str(ENVIRONMENT)], check=True)
        install = ("-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r")
        subprocess.run([str(python), *install, str(HERE / "requirements.txt")], check=True)
        stamp.write_text(wanted)
    return str(python)


def main(arguments: Sequence[str] | None = None) -> int:
    """Hunt, and print the table. Returns 1 when a race was missed or a healthy build accused."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("targets", nargs="*", metavar="NAME")
    parser.add_argument("--build", choices=BUILDS, action="append")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--budget", type=int, default=200)
    parser.add_argument("--stop-at-first", action="store_true")
    parser.add_argument("--results", type=Path, default=Path("runs/targets/results.jsonl"))
    parser.add_argument("--markdown", type=Path, help="write the table there too")
    options = parser.parse_args(arguments)
    python = environment()
    more = ("--stop-at-first",) if options.stop_at_first else ()
    outcomes = []
    options.results.parent.mkdir(parents=True, exist_ok=True)
    for seed in range(options.seeds):
        for target in ALL:
            if options.targets and target.name not in options.targets:
                continue
            for build in options.build or BUILDS:
                outcome = hunted(target, build, seed, options.budget, python, *more)
                outcomes.append(outcome)
                print(json.dumps(asdict(outcome)), flush=True)
                with options.results.open("a") as file:
                    file.write(json.dumps(asdict(outcome)) + "\n")
    text = "\n".join(table(outcomes)) + "\n"
    print(text)
    if options.markdown is not None:
        options.markdown.write_text(f"# Targets hunted\n\nWritten by `{COMMAND}`.\n\n{text}")
    return 0 if all(outcome.is_right for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
