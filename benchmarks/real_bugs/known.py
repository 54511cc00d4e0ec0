"""Replays the known plan of a case straight, so that no search and no oracle has a say.

What a hunt misses is then told from a server that does not have the bug.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.real_bugs.case import Case
from benchmarks.real_bugs.hunting import Hunted
from benchmarks.real_bugs.outcome import NOT_REPRODUCED, REPRODUCED

RUNS = 5
LONGEST_S = 60
# The server may complain only when the work is done that nobody waits for any more.
LOG_WITHIN_S = 1.0


def replayed(case: Case, url: str, folder: Path) -> Hunted:
    """Replay the plan a few times, and look for the case's sign in record and log."""
    began = time.monotonic()
    signs = [_sign(case, url, folder) for _ in range(RUNS)]
    seen = [sign for sign in signs if sign]
    return Hunted(known_result(seen), time.monotonic() - began)


def known_result(seen: list[str]) -> dict[str, Any]:
    """Return what was seen as a hunt would print it; the edits are in the plan."""
    finding = {
        "symptom": {"kind": "seen", "detail": seen[0] if seen else ""},
        "edits": [],
        "rate": {"failures": len(seen), "runs": RUNS},
    }
    return {
        "verdict": REPRODUCED if seen else NOT_REPRODUCED,
        "finding": finding if seen else None,
        "runs": RUNS,
        "reasons": [],
    }


def _sign(case: Case, url: str, folder: Path) -> str:
    """Return the line that shows the bug in one replay, or nothing."""
    log, run = folder / "server.log", folder / "known.capture.jsonl"
    offset = log.stat().st_size
    command = ["replay", str(folder / "session.capture.jsonl"), "--plan", str(case.known_plan)]
    command += ["--target", url.removesuffix(case.path), "--out", str(run), "--overwrite"]
    _deadheat(*command)
    time.sleep(LOG_WITHIN_S)
    text = _deadheat("show", str(run)) + log.read_text(errors="replace")[offset:]
    return next((line.strip() for line in text.splitlines() if re.search(case.sign, line)), "")


def _deadheat(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "deadheat", *arguments],
        capture_output=True,
        text=True,
        timeout=LONGEST_S,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"deadheat {arguments[0]} failed: {done.stderr.strip()[-800:]}")
    return done.stdout
