"""What a sweep has tried all of, so that a clean result is worth something."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from replay.oracles.verdict import Verdict
from replay.plan import Plan
from replay.search import Edits
from replay.search.candidates.deadlines import deadlines
from replay.search.candidates.endings import endings
from replay.search.candidates.gaps import flips, gaps
from replay.search.candidates.ranked import AT_ONCE, NO_PAUSE, ROUGH, Ranked
from replay.search.trace import Trace


@dataclass(frozen=True, slots=True)
class Exhausted:
    """A set of changes that were all tried, and how many of them failed."""

    what: str
    changes: int
    failed: int

    def __str__(self) -> str:
        failed = f"{self.failed} failed" if self.failed else "none failed"
        return f"{self.what} ({self.changes} changes, {failed})"

    def to_json(self) -> dict[str, Any]:
        """Return the fields."""
        return {"what": self.what, "changes": self.changes, "failed": self.failed}


def exhausted(
    plan: Plan, trace: Trace, told: Mapping[Edits, Verdict], left: Collection[Edits]
) -> Iterator[Exhausted]:
    """Yield each set of which nothing is left; what a plan does not allow is in neither."""
    for what, changes in _sets(plan, trace).items():
        verdicts = [told[edits] for edits in changes if edits in told]
        is_known = Verdict.UNKNOWN not in verdicts
        if verdicts and is_known and not any(edits in left for edits in changes):
            yield Exhausted(what, len(verdicts), verdicts.count(Verdict.FAIL))


def _sets(plan: Plan, trace: Trace) -> dict[str, list[Edits]]:
    def within(family: Iterator[Ranked], last: int) -> list[Edits]:
        return [(edit,) for number, edit in family if number <= last]

    return {
        "every step without a pause": within(gaps(plan), NO_PAUSE),
        "a reset before and after every step": within(endings(plan), AT_ONCE),
        "every step just before and just after each message of the server near it": [
            (edit,) for _, edit in flips(plan)
        ],
        "every step just before and just after each timer of the program": within(
            deadlines(plan, trace), ROUGH
        ),
    }
