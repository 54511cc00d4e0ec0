"""What has to come of the runs of a test: `expect=` of the mark."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from capture.format.model import Capture
from replay.errors import CheckError, ReplayError
from replay.oracles.checks import Observed, judged, parse
from replay.oracles.verdict import Judgement, Verdict, judge_safely

FAILS = "fails"


class Standard(StrEnum):
    """What a run is compared with.

    RECORDED: unperturbed runs have to go as recorded, and every run as those. UNPERTURBED: only the
    second; of the recording counts what kinds of messages came. NONE: only the checks count.
    """

    RECORDED = "recorded"
    UNPERTURBED = "unperturbed"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Check:
    """A judge with the name that a report gives it.

    It is given a run, and what the server logged meanwhile, None where nobody listened.
    """

    name: str
    judge: Callable[[Capture, Sequence[str] | None], Judgement]

    def judge_safely(self, run: Capture, lines: Sequence[str] | None) -> Judgement:
        """Return what it says; unknown when it crashes."""
        return judge_safely(lambda run: self.judge(run, lines), run)


@dataclass(frozen=True, slots=True)
class Expectation:
    """The standard and the checks that every run has to meet.

    With `failing` at least one run has to fail instead, in a symptom that has this text; the empty
    text is any.
    """

    standard: Standard = Standard.RECORDED
    checks: tuple[Check, ...] = ()
    failing: str | None = None

    @property
    def needs_baseline(self) -> bool:
        """Whether unperturbed runs have to be learned from first."""
        return self.standard is not Standard.NONE


def expectation_from(expect: Any) -> Expectation:  # noqa: ANN401  what a test wrote
    """Read `expect=`: a standard, `fails`, `fails: TEXT`, a check, or several of them.

    A check is a function that takes the capture of a run: what it returns counts if it is a
    Judgement; False and a text that says what is wrong fail, True and None pass, and a failed
    assertion fails. Raises ReplayError.
    """
    if expect is None:
        return Expectation(Standard.NONE)
    each = list(expect) if isinstance(expect, list | tuple) else [expect]
    if not each:
        raise ReplayError(
            "expect is empty, expected one thing or several; None leaves it all to asserts"
        )
    if len(each) == 1 and isinstance(each[0], str) and each[0].partition(":")[0] == FAILS:
        failing = each[0].partition(":")[2].strip()
        return Expectation(Standard.UNPERTURBED, failing=failing)
    standards = [one for one in each if isinstance(one, str) and one in list(Standard)]
    if len(standards) > 1:
        raise ReplayError(f"expect has {' and '.join(standards)}, expected one of them")
    return Expectation(
        Standard(standards[0]) if standards else Standard.NONE,
        tuple(_check(one) for one in each if one not in standards),
    )


def _check(expect: Any) -> Check:  # noqa: ANN401  what a test wrote
    if isinstance(expect, str):
        return Check(expect, named_check(expect))
    if callable(expect):
        name = getattr(expect, "__name__", type(expect).__name__)
        return Check(name, lambda run, lines: _judged(name, expect, run))
    raise ReplayError(f"expect has {expect!r}, expected {_known()}")


def named_check(text: str) -> Callable[[Capture, Sequence[str] | None], Judgement]:
    """Return the check that a text names, as `--check` takes it. Raises ReplayError."""
    try:
        check = parse(text)
    except CheckError as error:
        raise ReplayError(f"expect is {text!r}, expected {_known()}: {error}") from error
    return lambda run, lines: judged([check], Observed.of(run, lines))[0].judgement


def _known() -> str:
    standards = ", ".join(repr(str(standard)) for standard in Standard)
    return f"{standards}, '{FAILS}: TEXT', a check, or a function that takes the capture of a run"


def _judged(name: str, check: Callable[[Capture], Any], run: Capture) -> Judgement:
    """Return what a function of the test says of a run. Raises what it raises but assertions."""
    try:
        said = check(run)
    except AssertionError as error:
        return _failed(name, str(error) or "an assertion failed")
    match said:
        case None | True:
            return Judgement(Verdict.PASS)
        case False:
            return _failed(name, "it returned False")
        case str():
            return _failed(name, said)
        case Judgement():
            return said
    reason = f"{name} returned {type(said).__name__}, expected bool, str, None or Judgement"
    return Judgement(Verdict.UNKNOWN, reason=reason)


def _failed(name: str, what: str) -> Judgement:
    return Judgement(Verdict.FAIL, reason=f"{name}: {what}")


def strictest(judgements: Iterable[Judgement]) -> Judgement:
    """Return one judgement for several: fail before unknown before pass, with all that was said."""
    each = list(judgements)
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN):
        with_it = [judgement for judgement in each if judgement.verdict is verdict]
        if with_it:
            return Judgement(
                verdict,
                tuple(symptom for judgement in with_it for symptom in judgement.symptoms),
                "; ".join(judgement.reason for judgement in with_it if judgement.reason),
            )
    return Judgement(Verdict.PASS)
