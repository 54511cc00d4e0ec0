"""The table of outcomes, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.real_bugs.outcome import Outcome

COLUMNS = (
    "case",
    "package",
    "version",
    "expected",
    "got",
    "symptom",
    "edit found",
    "fails",
    "runs",
    "seconds",
)
MAX_CELL = 160


def markdown(outcomes: Sequence[Outcome]) -> str:
    """Return the table, and below it a line for each row that is wrong."""
    lines = [_row(COLUMNS), "|" + "---|" * len(COLUMNS), *map(line_of, outcomes)]
    wrong = [outcome for outcome in outcomes if not outcome.is_right]
    right = len(outcomes) - len(wrong)
    lines += ["", f"{right} of {len(outcomes)} as known beforehand."]
    lines += [f"Not so: {each.case}, {each.version}. {each.note}".rstrip() for each in wrong]
    return "\n".join(lines) + "\n"


def line_of(outcome: Outcome) -> str:
    """Return the row of one outcome; a verdict in bold is not the one expected."""
    return _row(
        (
            outcome.case,
            outcome.package,
            outcome.version,
            outcome.expected,
            outcome.got if outcome.is_right else f"**{outcome.got}**",
            _cell(outcome.symptom),
            _cell(outcome.edits),
            outcome.rate or "-",
            str(outcome.runs),
            f"{outcome.seconds:.0f}",
        )
    )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(text: str) -> str:
    """Return text that cannot break a table."""
    text = " ".join(text.split()).replace("|", "\\|")
    return (text if len(text) <= MAX_CELL else f"{text[: MAX_CELL - 1]}…") or "-"
