"""All that a report tells, gathered: one hunt, perhaps one of a changed server, and their whys."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from capture.format.model import Note
from evidence.claims import WHAT_USERS_SEE, whys_of
from evidence.comparison import comparable_trials, comparison_rate
from evidence.hunt_record import HuntRecord, read_record
from evidence.measured import Measured, change_words, measured, milliseconds
from evidence.server_log import has_log
from evidence.whys import Why, statuses
from replay.correlation import made_in
from replay.finding import Answer
from replay.hunt_directory import FINDING, RECORDED
from replay.perturbations import from_json
from replay.perturbations.words import in_words
from replay.statistics import Rate, rate

Rows = list[tuple[str, str]]

# How they are called on the command line, and in what a hunt was asked.
APPLICATION_OPTIONS = {
    "--server-option": "server_options",
    "--fake": "fakes",
    "--edge": "edge",
}


@dataclass(frozen=True, slots=True)
class Case:
    """`seen` is None where the hunt found nothing."""

    record: HuntRecord
    comparison: HuntRecord | None
    seen: Measured | None
    whys: tuple[Why, ...]

    @property
    def control(self) -> Rate:
        """How often unperturbed runs failed."""
        if self.seen is not None:
            return self.seen.control
        said = self.record.answer["control"]
        return rate(said["failures"], said["runs"])

    @property
    def rates(self) -> dict[str, Rate]:
        """How often each kind of run failed, by what to call it."""
        rates = {} if self.seen is None else {"with the change of timing": self.seen.rate}
        rates["unperturbed"] = self.control
        if self.seen is not None and self.comparison is not None:
            trials = comparable_trials(self.seen, self.record, self.comparison)
            rates["with it on the changed server"] = comparison_rate(trials)
        return rates

    @property
    def headline(self) -> str:
        """What was found, in one sentence."""
        answer = self.record.answer
        if self.seen is None:
            if self.record.verdict is Answer.INCONCLUSIVE:
                return f"Inconclusive: {'; '.join(answer['reasons']) or 'no reason was given'}."
            tried, runs = answer["swept"]["tried"], answer["runs"]
            what = f"{tried} changes of timing" if tried else "the given change of timing"
            return f"No race was found: {what} tried in {runs} runs."
        found, control = self.seen.rate, self.seen.control
        symptom = self.record.finding["symptom"]["kind"]
        what = WHAT_USERS_SEE.get(symptom, "The server behaves differently")
        return (
            f"{what} when {change_words(self.seen)}: "
            f"{found.failures} of {found.runs} runs, {control.failures} of {control.runs} without "
            "the change."
        )

    def summary(self) -> Rows:
        """Return what to know at a glance."""
        answer = self.record.answer
        rows = [("verdict", str(self.record.verdict))]
        if self.seen is not None:
            symptom = self.record.finding["symptom"]
            rows += [
                ("symptom", f"{symptom['kind']}: {symptom['detail']}"),
                ("timing", change_words(self.seen)),
                ("recorded there", milliseconds(self.seen.recorded_ns)),
            ]
            rows += [("found, too", _in_short(each)) for each in answer.get("findings", ())[1:]]
        rows += [(f"fails {name}", str(each)) for name, each in self.rates.items()]
        swept = answer["swept"]
        rows += [
            ("runs", str(len(self.record.trials))),
            ("changes tried", f"{swept['tried']}, and {swept['left']} were left"),
            *(("tried all of", each["what"]) for each in swept.get("exhausted", ())),
        ]
        return rows + [("note", reason) for reason in answer["reasons"]]

    def correlated(self) -> Rows:
        """Return where the first run sent values that the server had issued, and from where."""
        first = next(iter(self.record.trials), None)
        events = () if first is None else self.record.run(first).events
        return made_in(event.text for event in events if isinstance(event, Note))

    def provenance(self) -> Rows:
        """Return where the figures come from."""
        answer = self.record.answer
        versions = ", ".join(f"{name} {text}" for name, text in answer["versions"].items())
        rows = [
            ("recording", f"{self.record.name}/{RECORDED}, {self.record.recorded.header.recorder}"),
            ("recorded at", self.record.recorded.header.started_at),
            ("target", _target(answer)),
            ("seed", str(answer["seed"])),
            ("budget", f"{answer['budget']} runs"),
            ("versions", versions),
        ]
        records = [self.record] if self.comparison is None else [self.record, self.comparison]
        return rows + [
            (f"sha256 of {record.name}/{file}", digest)
            for record in records
            for file, digest in record.digests.items()
        ]

    def commands(self) -> list[str]:
        """Return the commands that repeat the work; tokens are for the reader to add."""
        answer, name = self.record.answer, self.record.name
        target = _target_arguments(answer)
        recorded = shlex.quote(f"{name}/{RECORDED}")
        is_read = has_log(self.record.trials) and not answer.get("fidelity")
        log = "--log FILE " if is_read else ""
        commands = [
            f"deadheat hunt {recorded} {target} --seed {answer['seed']} "
            f"--budget {answer['budget']} {log}--out again.hunt"
        ]
        if self.seen is not None:
            plan = shlex.quote(f"{name}/{FINDING}")
            commands.append(
                f"deadheat replay {recorded} --plan {plan} {target} --out run.capture.jsonl"
            )
        return [*commands, f"deadheat report {shlex.quote(name)} --out report.html"]

    def result(self) -> dict[str, Any]:
        """Return what tests and batches read, in plain JSON."""
        finding: Mapping[str, Any] | None = self.record.answer["finding"]
        return {
            "headline": self.headline,
            "verdict": str(self.record.verdict),
            "runs": len(self.record.trials),
            "rate": None if self.seen is None else self.seen.rate.to_json(),
            "control": self.control.to_json(),
            "window": None if finding is None or self.seen is None else dict(finding["window"]),
            "whys": statuses(self.whys),
        }


def _in_short(finding: Mapping[str, Any]) -> str:
    edits = "; ".join(in_words(from_json(edit)) for edit in finding["edits"])
    found, symptom = finding["rate"], finding["symptom"]
    often = f"{found['failures']} of {found['runs']} runs"
    return f"{symptom['kind']}: {symptom['detail']} (with {edits}: {often})"


def open_case(hunt: str | Path, comparison: str | Path = "") -> Case:
    """Read what a report is about. Raises ReplayError, CaptureError and EvidenceError."""
    record = read_record(Path(hunt))
    compared = read_record(Path(comparison)) if str(comparison) else None
    seen = measured(record) if record.verdict is Answer.REPRODUCED else None
    return Case(record, compared, seen, whys_of(record, compared))


def without_secrets(url: str) -> str:
    """Return a URL without user, password and query, which may hold tokens."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _target(answer: Mapping[str, Any]) -> str:
    """Return the server of a hunt: a URL, or the name of an application."""
    target: str = answer["target"]
    return target if answer.get("fidelity") else without_secrets(target)


def _target_arguments(answer: Mapping[str, Any]) -> str:
    """Return what names the server of a hunt on a command line."""
    target, fidelity = shlex.quote(_target(answer)), answer.get("fidelity")
    if not fidelity:
        return f"--target {target}"
    options = [
        f"{option} {shlex.quote(value)}"
        for option, name in APPLICATION_OPTIONS.items()
        for value in answer.get(name, ())
    ]
    return " ".join([f"--app {target} --fidelity {fidelity}", *options])
