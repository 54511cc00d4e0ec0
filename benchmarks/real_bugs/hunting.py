"""Runs `deadheat hunt` on what was recorded, as a user would."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.real_bugs.case import Case
from replay.hunt import HuntSettings

LONGEST_S = 3600


@dataclass(frozen=True, slots=True)
class Hunted:
    """What a hunt printed, and how long it took."""

    result: dict[str, Any]
    seconds: float


@dataclass(frozen=True, slots=True)
class Asked:
    """How a hunt is asked for: its seed and, unless it is the default, its budget."""

    seed: int = 0
    budget: int | None = None

    def options(self, case: Case) -> list[str]:
        """Return the options of `deadheat hunt` for a case."""
        budget = self.budget or case.budget or HuntSettings().budget
        # Most other ways to the same bug would only take time: the first one is the answer.
        return ["--seed", str(self.seed), "--budget", str(budget), "--stop-at-first"]


def hunted(case: Case, asked: Asked, url: str, folder: Path) -> Hunted:
    """Hunt in the folder's capture and log. Raises RuntimeError where the command fails."""
    command = [sys.executable, "-m", "deadheat", "hunt", str(folder / "session.capture.jsonl")]
    command += ["--target", url.removesuffix(case.path), "--log", str(folder / "server.log")]
    command += [*asked.options(case), "--out", str(folder / "hunt"), "--overwrite", "--json"]
    began = time.monotonic()
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=False)
    seconds = time.monotonic() - began
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} failed: {done.stderr.strip()[-800:]}")
    return Hunted(json.loads(done.stdout.splitlines()[-1]), seconds)
