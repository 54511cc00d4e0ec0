"""The five whys as data: questions, answers, and what each answer rests on.

Rules of this file, checked when a why is built: nothing is supported or refuted without evidence,
and what is open says how it could be answered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from evidence.errors import UnprovenClaim

_SHA256 = re.compile(r"[0-9a-f]{64}")


class Status(StrEnum):
    """How far an answer is proven."""

    SUPPORTED = "supported"
    REFUTED = "refuted"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Evidence:
    """A file of a hunt and what in it speaks: `count` records (runs, events), `runs` by number.

    `file` is relative to the folder of the hunts, so that it means the same on any machine.
    """

    file: str
    sha256: str
    shows: str
    count: int
    runs: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        path = PurePosixPath(self.file)
        if path.is_absolute() or ".." in path.parts or not self.file:
            raise UnprovenClaim(f"evidence file is {self.file!r}, expected a relative path")
        if not _SHA256.fullmatch(self.sha256):
            raise UnprovenClaim(f"{self.file}: sha256 is {self.sha256!r}, expected 64 hex digits")
        if self.count < 1:
            raise UnprovenClaim(f"{self.file}: {self.shows}: that rests on {self.count} records")


@dataclass(frozen=True, slots=True)
class Why:
    """One question with its answer; `whys` are the questions that the answer leads to.

    `to_answer` says what to do where the question is open.
    """

    question: str
    answer: str
    status: Status
    evidence: tuple[Evidence, ...] = ()
    to_answer: str = ""
    whys: tuple[Why, ...] = ()

    def __post_init__(self) -> None:
        if self.status is not Status.OPEN and not self.evidence:
            raise UnprovenClaim(f"{self.question!r} is {self.status} without any evidence")
        if self.status is Status.OPEN and not self.to_answer:
            raise UnprovenClaim(f"{self.question!r} is open and does not say how to answer it")


def walk(whys: tuple[Why, ...], depth: int = 0) -> Iterator[tuple[int, Why]]:
    """Yield every why with its depth, each before those that it leads to."""
    for why in whys:
        yield depth, why
        yield from walk(why.whys, depth + 1)


def statuses(whys: tuple[Why, ...]) -> dict[str, str]:
    """Return the status of each question, in order."""
    return {why.question: str(why.status) for _, why in walk(whys)}
