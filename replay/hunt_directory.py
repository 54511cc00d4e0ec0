"""What a hunt leaves: the answer, a table of its runs, the record of each, and the capture itself.

hunt.json               the answer, with what it was asked of
finding.json            the finding, with its control, seed and versions; `replay --plan` reads it;
                        finding-2.json and so on where there are more
runs.jsonl              one line a run: purpose, edits, verdict, symptoms, log lines, lateness
runs/NNNN.capture.jsonl the record of each run
recorded.capture.jsonl  the capture that was replayed
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain, count
from pathlib import Path
from typing import Any

from capture.errors import UnwritableOutput
from replay.errors import ReplayError
from replay.finding import Finding, HuntResult
from replay.past_runs import RUNS_FOLDER, RUNS_TABLE, PastRuns
from replay.plan import Plan, Step
from replay.statistics import Rate

HUNT, FINDING, RECORDED = "hunt.json", "finding.json", "recorded.capture.jsonl"
NEXT_FINDING = "finding-{}.json"
PACKAGES = ("deadheat", "websockets", "uvicorn")
# What a finding alone says of the hunt.
ORIGIN = ("target", "fidelity", "seed")


@dataclass(frozen=True, slots=True)
class HuntDirectory:
    """A directory being filled by a hunt."""

    path: Path

    @classmethod
    @contextmanager
    def prepared(cls, path: Path, *, overwrite: bool) -> Iterator[HuntDirectory]:
        """Make the directory ready; if the hunt fails before its first run, leave no trace."""
        is_new = not path.exists()
        directory = cls(path)
        try:
            if not is_new and any(path.iterdir()):
                directory._make_room(overwrite=overwrite)
            (path / RUNS_FOLDER).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnwritableOutput(f"cannot write {path}: {error.strerror}") from error
        try:
            yield directory
        except BaseException:
            if not (path / RUNS_TABLE).exists():
                directory._clear()
                if is_new:
                    path.rmdir()
            raise

    @classmethod
    @contextmanager
    def resumed(
        cls, path: Path, capture: Path, asked: Mapping[str, Any]
    ) -> Iterator[tuple[HuntDirectory, PastRuns]]:
        """Go on with the hunt of a directory; return its runs. Raises UnwritableOutput.

        `asked` is what has to be the same as it was then.
        """
        directory = cls(path)
        try:
            then = json.loads((path / HUNT).read_text())
            recorded = (path / RECORDED).read_bytes()
        except (OSError, ValueError):
            raise UnwritableOutput(f"{path} holds no hunt to resume: leave --resume out") from None
        if recorded != capture.read_bytes():
            raise UnwritableOutput(f"{path} holds a hunt with another capture than {capture}")
        for name, value in asked.items():
            if then.get(name) != value:
                raise UnwritableOutput(
                    f"{path} holds a hunt with {name} {then.get(name)}, and now it is {value}: "
                    "resume it as it was, or name another directory"
                )
        # Only now: what is not gone on with is left as it is.
        try:
            past = PastRuns.read(path)
        except (OSError, ValueError, LookupError):
            raise UnwritableOutput(f"{path} holds no hunt to resume: leave --resume out") from None
        directory._clear_findings()
        yield directory, past

    def keep_capture(self, capture: Path) -> None:
        """Keep a copy of what is replayed, so that the directory explains itself."""
        shutil.copyfile(capture, self.path / RECORDED)

    def write_result(self, result: HuntResult, asked: Mapping[str, Any]) -> None:
        """Write the answer, with what it was asked of and by which versions."""
        self._write(HUNT, result.to_json() | {**asked, **self._sources()})

    def keep_finding(self, finding: Finding, control: Rate, asked: Mapping[str, Any]) -> None:
        """Write a finding as soon as it is known: finding.json, finding-2.json …

        It says what it takes to have it again, and how often unperturbed runs failed until then.
        """
        names = chain([FINDING], map(NEXT_FINDING.format, count(2)))
        name = next(name for name in names if not (self.path / name).exists())
        origin = {key: asked[key] for key in ORIGIN if key in asked}
        content = finding.to_json() | {"control": control.to_json()} | origin | self._sources()
        self._write(name, content)

    def _sources(self) -> dict[str, Any]:
        """Return which capture was replayed, and by which versions."""
        return {
            "capture_sha256": hashlib.sha256((self.path / RECORDED).read_bytes()).hexdigest(),
            "versions": {name: version(name) for name in PACKAGES}
            | {"python": platform.python_version()},
        }

    def _write(self, name: str, content: Mapping[str, Any]) -> None:
        (self.path / name).write_text(json.dumps(content, indent=2) + "\n")

    def _make_room(self, *, overwrite: bool) -> None:
        if not (self.path / RUNS_TABLE).exists() and not (self.path / HUNT).exists():
            raise UnwritableOutput(
                f"{self.path} is not empty and holds no hunt: name another directory"
            )
        if not overwrite:
            raise UnwritableOutput(
                f"{self.path} holds an earlier hunt: name another directory, or pass --overwrite"
            )
        self._clear()

    def _clear(self) -> None:
        for name in (HUNT, RECORDED, RUNS_TABLE):
            (self.path / name).unlink(missing_ok=True)
        self._clear_findings()
        shutil.rmtree(self.path / RUNS_FOLDER, ignore_errors=True)

    def _clear_findings(self) -> None:
        for finding in (self.path / FINDING, *self.path.glob(NEXT_FINDING.format("*"))):
            finding.unlink(missing_ok=True)


def read_hunt(path: Path) -> dict[str, Any]:
    """Return the answer of a finished hunt, `runs.jsonl` as its `trials`. Raises ReplayError."""
    try:
        answer: dict[str, Any] = json.loads((path / HUNT).read_text())
        lines = (path / RUNS_TABLE).read_text().splitlines()
        # A run that another one follows is written down after that one.
        answer["trials"] = sorted(map(json.loads, lines), key=lambda trial: trial["run"])
    except (OSError, ValueError, LookupError) as error:
        raise ReplayError(f"{path} holds no finished hunt: {error}") from error
    return answer


def plan_to_json(plan: Plan) -> list[dict[str, Any]]:
    """Return the steps of a plan as a person reads them, times in milliseconds."""
    return [_step_to_json(step) for step in plan.steps()]


def _step_to_json(step: Step) -> dict[str, Any]:
    return {
        "connection": step.connection,
        "step": step.index,
        "name": step.name,
        "recorded_at_ms": step.recorded_at_ns / 1e6,
        "after": str(step.after),
        "gap_ms": step.gap_ns / 1e6,
        "needs": [str(event) for event in step.needs],
    }
