"""Checks that a user names: what has to hold in a run, whatever unperturbed runs do; one file each.

A check is a frozen dataclass with `name`, `first` and `judge(seen) -> Judgement`, and checks itself
when built; its fields are its settings (settings.py). To add one, copy `handshake_within.py` and
its test, and add it to CHECKS. What could not be looked at is unknown, not passed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from replay.errors import CheckError
from replay.oracles.checks import settings
from replay.oracles.checks.close_codes import CloseCodes
from replay.oracles.checks.exactly_once import ExactlyOnce
from replay.oracles.checks.function import Function
from replay.oracles.checks.handshake_within import HandshakeWithin
from replay.oracles.checks.log_pattern import LogPattern
from replay.oracles.checks.no_cross_talk import NoCrossTalk
from replay.oracles.checks.no_lost_message import NoLostMessage
from replay.oracles.checks.observed import Observed, OwedUntil
from replay.oracles.checks.order import Order
from replay.oracles.checks.outcome import Outcome
from replay.oracles.verdict import judge_safely

__all__ = [
    "CHECKS",
    "Check",
    "Observed",
    "Outcome",
    "OwedUntil",
    "from_json",
    "judged",
    "parse",
    "text_of",
    "to_json",
]

Check = (
    NoLostMessage
    | Order
    | ExactlyOnce
    | NoCrossTalk
    | HandshakeWithin
    | CloseCodes
    | LogPattern
    | Function
)
CHECKS: tuple[type[Check], ...] = (
    NoLostMessage,
    Order,
    ExactlyOnce,
    NoCrossTalk,
    HandshakeWithin,
    CloseCodes,
    LogPattern,
    Function,
)


def parse(text: str) -> Check:
    """Read a check as a shell gives it: `name`, `name:settings`, `file.py:function`, or JSON.

    Raises CheckError.
    """
    if text.startswith("{"):
        return from_json(_decoded(text))
    name, _, rest = text.partition(":")
    for kind in CHECKS:
        if kind.name == name:
            return settings.from_text(kind, rest)
    place, _, function = text.rpartition(":")
    if place and function.isidentifier():
        return Function(text)
    raise CheckError(f"there is no check {name!r}, {_known()}, or file.py:function")


def from_json(content: Mapping[str, Any]) -> Check:
    """Read a check as `to_json` writes it. Raises CheckError."""
    name = content.get("check")
    for kind in CHECKS:
        if kind.name == name:
            fields = {key: value for key, value in content.items() if key != "check"}
            return settings.from_json(kind, fields)
    raise CheckError(f"check is {name!r}, {_known()}")


def to_json(check: Check) -> dict[str, Any]:
    """Return a check as data."""
    return {"check": check.name, **settings.to_json(check)}


def text_of(check: Check) -> str:
    """Return a check as `parse` reads it; it is known by this text."""
    if isinstance(check, Function):
        return check.target
    written = settings.to_text(check)
    return f"{check.name}:{written}" if written else check.name


def judged(checks: Iterable[Check], seen: Observed) -> tuple[Outcome, ...]:
    """Return what each check came to; one that crashes is unknown."""
    return tuple(_outcome(check, seen) for check in checks)


def _outcome(check: Check, seen: Observed) -> Outcome:
    name = text_of(check)
    judgement = judge_safely(lambda _: check.judge(seen), seen.run)
    symptoms = tuple(replace(symptom, check=name) for symptom in judgement.symptoms)
    return Outcome(name, replace(judgement, symptoms=symptoms))


def _decoded(text: str) -> Mapping[str, Any]:
    try:
        content = json.loads(text)
    except ValueError as error:
        raise CheckError(f"the check {text[:60]!r} is no JSON: {error}") from None
    if not isinstance(content, dict):
        raise CheckError(f"the check {text[:60]!r} is no JSON object")
    return content


def _known() -> str:
    return f"expected one of: {', '.join(kind.name for kind in CHECKS)}"
