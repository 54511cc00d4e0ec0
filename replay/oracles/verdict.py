"""Three-valued verdicts. A judge that breaks says unknown, and unknown never becomes pass."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from capture.format.model import Capture
from replay.oracles.varying import without_varying, words_of

# Before what a session shows that followed a perturbed one.
NEXT_SESSION = "the next session: "
BEGINS_WITH_WORDS = 4
_STATUS = re.compile(r"answered \d+")
# Where, which kind, which check, how a line of a log begins.
Signature = tuple[str, str, str, str]


class Verdict(StrEnum):
    """What an oracle says of a run."""

    PASS = "pass"
    FAIL = "fail"
    UNKNOWN = "unknown"


class SymptomKind(StrEnum):
    """How a failure shows, the most telling first."""

    REFUSED = "refused"
    CLOSED = "closed"
    LOG = "log"
    CROSS_TALK = "cross-talk"
    CHECK = "check"
    MISSING = "missing"
    TIMEOUT = "timeout"
    CHANGED = "changed"
    EXTRA = "extra"
    REORDERED = "reordered"


@dataclass(frozen=True, slots=True)
class Symptom:
    """One way in which a run failed, and where. `connection` is empty for the server's log.

    `check` is the check that a user named and that failed, else empty; `at_ns` is when it showed.
    """

    kind: SymptomKind
    detail: str
    connection: str = ""
    check: str = ""
    at_ns: int | None = None

    @property
    def signature(self) -> Signature:
        """What makes two symptoms the same one: the detail may differ in ids and counts."""
        return (self.connection, *self.likeness)

    @property
    def likeness(self) -> tuple[str, str, str]:
        """What makes them alike, whichever connection it hit.

        A line of a log is known by how it begins, a refusal by its status.
        """
        if self.kind is SymptomKind.REFUSED:
            answered = _STATUS.search(self.detail)
            return (self.kind, self.check, answered[0] if answered else "")
        said = self.detail.removeprefix(NEXT_SESSION) if self.kind is SymptomKind.LOG else ""
        return (self.kind, self.check, " ".join(words_of(said)[:BEGINS_WITH_WORDS]))

    @property
    def exactly(self) -> tuple[str, str, str]:
        """What it says in full, but for what varies: which message, and from which value."""
        said = self.detail.partition(" times too many: ")[0]
        is_value = self.kind is SymptomKind.CHANGED
        return (self.connection, self.kind, said if is_value else without_varying(said))

    def to_json(self) -> dict[str, Any]:
        """Return the fields; those of a check only where there is one."""
        optional = {"check": self.check or None, "at_ns": self.at_ns}
        return {"kind": self.kind, "detail": self.detail, "connection": self.connection} | {
            name: value for name, value in optional.items() if value is not None
        }


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its reasons, the most telling first. `reason` says what an oracle saw."""

    verdict: Verdict
    symptoms: tuple[Symptom, ...] = ()
    reason: str = ""

    def told_of(self, what: str) -> Judgement:
        """Return the same with `what` before each symptom, and before the reason."""
        symptoms = tuple(replace(each, detail=what + each.detail) for each in self.symptoms)
        return Judgement(self.verdict, symptoms, what + self.reason if self.reason else "")

    @property
    def symptom(self) -> Symptom | None:
        """The symptom to name when there is room for one."""
        return self.symptoms[0] if self.symptoms else None


Oracle = Callable[[Capture], Judgement]


def judged(symptoms: Iterable[Symptom]) -> Judgement:
    """Return fail with these symptoms, or pass when there are none.

    What a user asked for by name leads.
    """
    order = list(SymptomKind)
    ranked = tuple(sorted(symptoms, key=lambda each: (not each.check, order.index(each.kind))))
    return Judgement(Verdict.FAIL if ranked else Verdict.PASS, ranked)


def judge_safely(oracle: Oracle, run: Capture) -> Judgement:
    """Judge a run; an oracle that crashes makes it unknown."""
    try:
        return oracle(run)
    except Exception as error:  # any crash of a judge, also of one that a user wrote
        reason = f"the oracle crashed: {error.__class__.__name__}: {error}"
        return Judgement(Verdict.UNKNOWN, reason=reason)


def merged(judgements: Iterable[Judgement]) -> Judgement:
    """Return the judgement of several oracles: fail before unknown before pass."""
    each = list(judgements)
    symptoms = [symptom for judgement in each for symptom in judgement.symptoms]
    if symptoms:
        return judged(symptoms)
    unknown = [judgement for judgement in each if judgement.verdict is Verdict.UNKNOWN]
    return unknown[0] if unknown else Judgement(Verdict.PASS)
