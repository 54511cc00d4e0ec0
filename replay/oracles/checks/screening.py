"""Which checks can accuse a change of timing: those that unperturbed runs do not fail anyway."""

from __future__ import annotations

from collections.abc import Sequence

from replay.oracles.checks.outcome import Outcome
from replay.oracles.verdict import Verdict


def set_aside(runs: Sequence[Sequence[Outcome]]) -> dict[str, str]:
    """Return the checks that say nothing of timing, each with a sentence that says why.

    `runs` are the outcomes of unperturbed runs. A check that fails in one of them fails by itself;
    one that could not tell in any would make every other run unknown, too.
    """
    by_check: dict[str, list[Outcome]] = {}
    for outcomes in runs:
        for outcome in outcomes:
            by_check.setdefault(outcome.check, []).append(outcome)
    reasons = {check: _reason(check, outcomes) for check, outcomes in by_check.items()}
    return {check: reason for check, reason in reasons.items() if reason}


def _reason(check: str, outcomes: Sequence[Outcome]) -> str:
    failing = [outcome for outcome in outcomes if outcome.verdict is Verdict.FAIL]
    if failing:
        return (
            f"the check {check} fails without any change, in {len(failing)} of {len(outcomes)} "
            f"unperturbed runs, so timing is not accused of it: {failing[0].detail}"
        )
    if all(outcome.verdict is Verdict.UNKNOWN for outcome in outcomes):
        return (
            f"the check {check} could not tell in any unperturbed run, so it was left out: "
            f"{outcomes[0].detail}"
        )
    return ""
