"""A finished hunt read as evidence: its answer, what was recorded, and the digests of its files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from capture.format.model import Capture
from capture.format.reader import read_capture
from evidence.errors import DamagedHunt
from evidence.whys import Evidence
from replay.finding import Answer
from replay.hunt_directory import HUNT, RECORDED, read_hunt
from replay.plan import Plan
from replay.planning import plan_from_capture
from replay.tables import Trial

RUNS = "runs.jsonl"


@dataclass(frozen=True, slots=True)
class HuntRecord:
    """`name` is the folder's, and leads every file that evidence refers to."""

    name: str
    path: Path
    answer: Mapping[str, Any]
    recorded: Capture
    plan: Plan
    digests: Mapping[str, str]

    @property
    def verdict(self) -> Answer:
        """What the hunt said in the end."""
        return Answer(self.answer["verdict"])

    @property
    def finding(self) -> Mapping[str, Any]:
        """The finding. Raises DamagedHunt when there is none."""
        finding: Mapping[str, Any] | None = self.answer["finding"]
        if finding is None:
            raise DamagedHunt(f"{self.name} has no finding")
        return finding

    @property
    def trials(self) -> Sequence[Trial]:
        """The lines of the table of runs."""
        trials: Sequence[Trial] = self.answer["trials"]
        return trials

    def run(self, trial: Trial) -> Capture:
        """Read the record of a run."""
        return read_capture(self.path / trial["capture"])

    def cite(self, file: str, shows: str, count: int) -> Evidence:
        """Return evidence in one file of this hunt."""
        return Evidence(f"{self.name}/{file}", self.digests[file], shows, count)

    def cite_runs(self, trials: Sequence[Trial], shows: str) -> Evidence:
        """Return evidence in the table of runs: these of its lines."""
        numbers = tuple(trial["run"] for trial in trials)
        return Evidence(f"{self.name}/{RUNS}", self.digests[RUNS], shows, len(trials), numbers)


def read_record(path: Path) -> HuntRecord:
    """Read the directory of a finished hunt.

    Raises ReplayError when it holds none, DamagedHunt when its files do not belong together.
    """
    answer = read_hunt(path)
    recorded = read_capture(path / RECORDED)
    files = [HUNT, RUNS, RECORDED]
    digests = {file: _digest(path / file) for file in files}
    expected = answer.get("capture_sha256")
    if expected != digests[RECORDED]:
        raise DamagedHunt(
            f"{path / RECORDED} is not what the hunt replayed: its sha256 is "
            f"{digests[RECORDED][:12]}…, the hunt says {str(expected)[:12]}…: hunt again"
        )
    if answer["verdict"] == Answer.REPRODUCED and answer["finding"] is None:
        raise DamagedHunt(f"{path / HUNT} says {Answer.REPRODUCED} and has no finding: hunt again")
    return HuntRecord(
        name=path.resolve().name if path.name in ("", "..") else path.name,
        path=path,
        answer=answer,
        recorded=recorded,
        plan=plan_from_capture(recorded),
        digests=digests,
    )


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
