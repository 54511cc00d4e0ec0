"""Judges a capture written by hand with a check as the shell names it."""

from __future__ import annotations

from collections.abc import Sequence

from capture.format.model import Capture
from replay.oracles.checks import Observed, Outcome, judged, parse


def outcome(check: str, run: Capture, log: Sequence[str] | None = None) -> Outcome:
    (found,) = judged([parse(check)], Observed.of(run, log))
    return found


def verdict(check: str, run: Capture, log: Sequence[str] | None = None) -> str:
    return outcome(check, run, log).verdict


def details(check: str, run: Capture, log: Sequence[str] | None = None) -> list[str]:
    """What failed."""
    return [symptom.detail for symptom in outcome(check, run, log).judgement.symptoms]
