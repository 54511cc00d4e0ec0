"""Runs that an interrupted hunt has already made: a hunt that goes on asks them again, one by one.

A hunt follows from its seed and from what its runs came to. So one that begins anew, and gets the
records of the runs that it asks for, ends up where it was interrupted.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from capture.format.model import Capture
from capture.format.reader import read_capture
from replay.perturbations import Perturbation

RUNS_FOLDER, RUNS_TABLE = "runs", "runs.jsonl"

PastRun = tuple[Capture, tuple[str, ...]]


@dataclass(slots=True)
class PastRuns:
    """The runs of a hunt's directory, by their number; none without one."""

    directory: Path | None = None
    _lines: dict[int, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def read(cls, directory: Path) -> PastRuns:
        """Read the table of runs; a last line that was cut short is left out. Raises OSError."""
        lines = {}
        for line in (directory / RUNS_TABLE).read_text().splitlines():
            try:
                run = json.loads(line)
            except ValueError:
                break
            lines[run["run"]] = run
        past = cls(directory, lines)
        past._write()
        past._remove_others()
        return past

    def __len__(self) -> int:
        return len(self._lines)

    def take(self, number: int, purpose: str, edits: Sequence[Perturbation]) -> PastRun | None:
        """Return the record and the log lines of a run, if it is the one that is asked for.

        From the first that is not, all later ones are forgotten: they answered other questions.
        """
        line = self._lines.get(number)
        asked = [edit.to_json() for edit in edits]
        if line is not None and self.directory is not None:
            is_asked_for = line["purpose"] == purpose and line["edits"] == asked
            path = self.directory / line["capture"]
            if is_asked_for and path.exists():
                return read_capture(path), tuple(line["log"])
        if any(later >= number for later in self._lines):
            self._lines = {known: run for known, run in self._lines.items() if known < number}
            self._write()
            self._remove_others()
        return None

    def _remove_others(self) -> None:
        """Remove the records of runs that are not in the table: they were cut short."""
        if self.directory is None:
            return
        kept = {run["capture"] for run in self._lines.values()}
        for record in (self.directory / RUNS_FOLDER).iterdir():
            if f"{RUNS_FOLDER}/{record.name}" not in kept:
                record.unlink()

    def _write(self) -> None:
        """Leave in the table what is known here."""
        if self.directory is not None:
            lines = (msgspec.json.encode(run).decode() for run in self._lines.values())
            (self.directory / RUNS_TABLE).write_text("".join(f"{line}\n" for line in lines))
