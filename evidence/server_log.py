"""The line that a server logs in failing runs and never in others."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from replay.oracles.log import LogBaseline
from replay.tables import PASS, Trial

# Ids, ports and times differ from run to run in a line that says the same.
_VARYING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{8,}|\d+", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TellingLine:
    """A complaint with the failing runs that made it; no other run did."""

    line: str
    runs: tuple[Trial, ...]
    others: tuple[Trial, ...]


def has_log(trials: Sequence[Trial]) -> bool:
    """Whether any line of a server's log was read during the hunt."""
    return any(trial["log"] for trial in trials)


def telling_line(trials: Sequence[Trial], failing: Sequence[Trial]) -> TellingLine | None:
    """Return the complaint that most failing runs share and no passing one makes."""
    # Runs of the baseline have no verdict: one may have come too soon after another, and failed.
    others = [trial for trial in trials if trial["verdict"] == PASS]
    usual = LogBaseline.learned(trial["log"] for trial in others)
    said: dict[str, list[tuple[str, Trial]]] = {}
    for trial in failing:
        symptom = usual.judge(trial["log"]).symptom
        if symptom is not None:
            kind = _VARYING.sub("#", symptom.detail)
            said.setdefault(kind, []).append((symptom.detail, trial))
    if not said:
        return None
    most = max(said.values(), key=len)
    return TellingLine(most[0][0], tuple(trial for _, trial in most), tuple(others))
