"""One hunt in one build of a target, by the real command line."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

from local_staging.clock import monotonic_ns
from tests.staging.surroundings import DEADHEAT
from tests.targets.outcome import Outcome, outcome_of
from tests.targets.process import serving
from tests.targets.recording import record
from tests.targets.target import RACY, Target

HUNT_S = 1800.0


def hunted(
    target: Target, build: str, seed: int, budget: int, directory: Path, *options: str
) -> Outcome:
    """Start a build, record a healthy session, hunt in it. Raises RuntimeError.

    On the racy build the hunt ends with its first finding; what is kept lies in `directory`.
    """
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    capture, log = directory / "healthy.capture.jsonl", directory / "server.log"
    with serving(target, build, log) as url:
        record(target.session, url, capture)
        command = ["hunt", str(capture), "--target", url, "--json", "--seed", str(seed)]
        command += ["--budget", str(budget), "--out", str(directory / "hunt"), *options]
        command += ["--stop-at-first"] if build == RACY else []
        command += ["--log", str(log)] if target.has_log else []
        began_ns = monotonic_ns()
        answer = _answer(command)
    return outcome_of(target, build, (seed, budget), answer, (monotonic_ns() - began_ns) / 1e9)


def _answer(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        (*DEADHEAT, *command), capture_output=True, text=True, check=False, timeout=HUNT_S
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer
