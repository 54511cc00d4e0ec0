"""One marked test from its mark to its verdict; what `deadheat_replay` gives to its body."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from capture.format.model import Capture
from capture.format.reader import read_capture
from replay.errors import ReplayError
from replay.oracles.verdict import Judgement
from replay.perturbations import Perturbation, perturbed
from replay.plan import Pace
from replay.plan_file import read_edits
from replay.planning import plan_from_capture
from replay.pytest_plugin.explanation import Whereabouts
from replay.pytest_plugin.mark import DEFAULT_PERTURBED_RUNS, DEFAULT_RUNS, Case
from replay.pytest_plugin.normal import Normals, Place, unlearned
from replay.pytest_plugin.recording import record
from replay.pytest_plugin.replay import Replay, carry_out
from replay.statistics import Rate

EDITS = "edits.json"


class Mode(StrEnum):
    """Whether captures are made: never, where there is none, or all anew."""

    NONE = "none"
    ONCE = "once"
    REWRITE = "rewrite"


@dataclass(frozen=True, slots=True)
class Files:
    """Where a test's capture and finding are, and where the records of its runs go."""

    capture: Path
    finding: Path | None
    directory: Path


@dataclass(slots=True)
class MarkedTest:
    """A test with the mark. Its runs are there once its body begins.

    `name` is what pytest calls it, `runs_override` the number of runs that the command line asks
    for. `recorded_anew` has the captures that this session made, which one rewriting is enough for.
    """

    name: str
    case: Case
    files: Files
    place: Place
    normals: Normals
    mode: Mode = Mode.NONE
    runs_override: int | None = None
    recorded_anew: set[Path] = field(default_factory=set)
    _replay: Replay | None = None
    _sha256: str = ""

    @property
    def replay(self) -> Replay:
        """The runs with their judgements, and what they were judged by."""
        if self._replay is None:
            raise ReplayError("the runs are there when the body of the test begins, not before")
        return self._replay

    @property
    def recorded(self) -> Capture:
        """The capture that is replayed."""
        return self.replay.recorded

    @property
    def edits(self) -> tuple[Perturbation, ...]:
        """What was changed in its timing."""
        return self.replay.edits

    @property
    def runs(self) -> tuple[Capture, ...]:
        """The record of every run, as a capture."""
        return self.replay.runs

    @property
    def judgements(self) -> Sequence[Judgement]:
        """What was said of each run."""
        return [each.judgement for each in self.replay.judged]

    @property
    def rate(self) -> Rate:
        """How often the test fails, with its interval."""
        return self.replay.rate

    async def carry_out(self) -> None:
        """Record if that was asked for, learn what is normal, and do the runs.

        Raises CaptureError and ReplayError, and in a recording what the client raises.
        """
        await self._record_if_asked()
        content = _content(self.files.capture)
        self._sha256 = hashlib.sha256(content).hexdigest()
        recorded = read_capture(self.files.capture)
        edits = self.case.edits
        if self.files.finding is not None:
            edits = (*read_edits(self.files.finding), *edits)
        # An edit that does not fit is found before the server is troubled.
        perturbed(plan_from_capture(recorded, self.case.pace), edits)
        self._replay = Replay(
            recorded=recorded,
            edits=edits,
            expectation=self.case.expectation,
            normal=unlearned(recorded, self.place, self.case.pace),
            wanted=self._wanted(edits),
        )
        if self.case.learns and self.case.expectation.needs_baseline:
            self._replay.normal = await self.normals.of(
                self._sha256, recorded, self.place, self.case.pace, self.files.directory / "normal"
            )
        self.files.directory.mkdir(parents=True, exist_ok=True)
        plan = {"edits": [edit.to_json() for edit in edits]}
        (self.files.directory / EDITS).write_text(json.dumps(plan, indent=2) + "\n")
        # The run before may have been of another test.
        await asyncio.sleep(self.normals.settle_s(self.place))
        await carry_out(self._replay, self.place, self.files.directory)

    def properties(self) -> dict[str, Any]:
        """Return what a report of the tests says of this one, by name."""
        replay, window = self.replay, self._window()
        measured = replay.rate
        return {
            "deadheat.verdict": str(replay.verdict),
            "deadheat.capture": self.case.capture,
            "deadheat.capture_sha256": self._sha256,
            "deadheat.edits": json.dumps([edit.to_json() for edit in replay.edits]),
            "deadheat.runs": measured.runs,
            "deadheat.failures": measured.failures,
            "deadheat.unknown": len(replay.judged) - measured.runs,
            "deadheat.rate_low": round(measured.low, 4),
            "deadheat.rate_high": round(measured.high, 4),
            **{
                f"deadheat.window_{edge}": window[edge]
                for edge in ("low_ms", "high_ms")
                if window.get(edge) is not None
            },
        }

    def whereabouts(self) -> Whereabouts:
        """Return what a person needs to go on."""
        pace = () if self.case.pace is Pace.CAUSAL else ("--pace", str(self.case.pace))
        return Whereabouts(
            test=self.name,
            capture=_from_here(self.files.capture),
            target=self.place.target.shown,
            plan=self.files.directory / EDITS,
            options=(*pace, *self.place.token_options),
            can_record=self.case.record is not None,
        )

    async def _record_if_asked(self) -> None:
        out = self.files.capture
        is_wanted = self.mode is Mode.REWRITE and out not in self.recorded_anew
        if not is_wanted and not (self.mode is Mode.ONCE and not out.exists()):
            return
        if self.case.record is not None and self.place.application is not None:
            raise ReplayError(
                f"{self.place.target.shown} is served in this process, where a client cannot "
                "connect: record it at a ws:// URL"
            )
        if self.case.record is None:
            if out.exists():
                return
            raise ReplayError(
                f"there is no capture {self.case.capture} and nothing to make it with: give the "
                "mark record=FUNCTION, or use `deadheat capture proxy`"
            )
        await record(self.case.record, self.place.target, out)
        self.recorded_anew.add(out)

    def _wanted(self, edits: Sequence[Perturbation]) -> int:
        if self.runs_override is not None:
            return self.runs_override
        if self.case.runs is not None:
            return self.case.runs
        return DEFAULT_PERTURBED_RUNS if edits else DEFAULT_RUNS

    def _window(self) -> dict[str, Any]:
        if self.files.finding is None:
            return {}
        finding = json.loads(self.files.finding.read_text())
        finding = finding.get("finding") or finding
        window = finding.get("window")
        return window if isinstance(window, dict) else {}


def _content(capture: Path) -> bytes:
    try:
        return capture.read_bytes()
    except OSError as error:
        raise ReplayError(f"cannot read {capture}: {error.strerror}") from error


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
