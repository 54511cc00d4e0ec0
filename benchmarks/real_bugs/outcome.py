"""What came of one build: what was expected, and what the hunt said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchmarks.real_bugs.case import Build, Case

REPRODUCED = "reproduced"
NOT_REPRODUCED = "not reproduced"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table."""

    case: str
    package: str
    version: str
    expected: str
    got: str
    symptom: str
    edits: str
    rate: str
    runs: int
    seconds: float
    note: str = ""
    is_the_bug: bool = True

    @property
    def is_right(self) -> bool:
        """Whether the hunt said what is known, and of the bad build nothing but its bug."""
        return self.got == self.expected and (self.got != REPRODUCED or self.is_the_bug)


def outcome_of(
    case: Case, build: Build, result: Mapping[str, Any], seconds: float, pattern: str
) -> Outcome:
    """Return the row for a result of `deadheat hunt --json`; the bug's symptom has the pattern."""
    finding = result["finding"]
    symptom = edits = rate = ""
    if finding is not None:
        symptom = f"{finding['symptom']['kind']}: {finding['symptom']['detail']}"
        edits = "; ".join(edit_in_words(edit) for edit in finding["edits"])
        rate = f"{finding['rate']['failures']} of {finding['rate']['runs']}"
    return Outcome(
        case.name,
        case.package,
        build.name,
        REPRODUCED if build.has_bug else NOT_REPRODUCED,
        result["verdict"],
        symptom,
        edits,
        rate,
        result["runs"],
        seconds,
        "; ".join(filter(None, [build.note, *result["reasons"]])),
        is_the_bug=bool(re.search(pattern, symptom)),
    )


def failed(case: Case, build: Build, why: str) -> Outcome:
    """Return the row of a build that could not be installed, started, recorded or hunted in."""
    expected = REPRODUCED if build.has_bug else NOT_REPRODUCED
    return Outcome(
        case.name,
        case.package,
        build.name,
        expected,
        "failed",
        "",
        "",
        "",
        0,
        0,
        " ".join(why.split()),
    )


def edit_in_words(edit: Mapping[str, Any]) -> str:
    """Return an edit of a finding as a cell: its kind, then its fields in their order."""
    fields = [
        f"{name} {value}"
        for name, value in edit.items()
        if name != "perturbation" and value is not None
    ]
    return f"{edit['perturbation']}: {', '.join(fields)}"
