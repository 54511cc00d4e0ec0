"""The parts of a report as HTML. Everything that came from a server or a file is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from evidence.case import Case, Rows
from evidence.whys import Evidence, Status, Why
from replay.tables import trials_table

MAX_ROWS = 300
MAX_RUNS = 12
# Inline, since JupyterLab takes style sheets out of a notebook that it does not trust.
COLOURS = {Status.SUPPORTED: "#1a7f4b", Status.REFUTED: "#b3261e", Status.OPEN: "#8a6100"}


@dataclass(frozen=True, slots=True)
class Html:
    """A piece of a page."""

    text: str

    def _repr_html_(self) -> str:
        return self.text


def headline(case: Case, title: str) -> Html:
    """Return the title and what was found, in one sentence."""
    kind = "found" if case.seen is not None else "nothing"
    text = f'<p class="headline {kind}">{escape(case.headline)}</p>'
    return Html(f"<header><h1>{escape(title)}</h1>{text}</header>")


def summary(case: Case) -> Html:
    """Return the table of what to know at a glance."""
    return Html(_pairs(case.summary()))


def whys(case: Case) -> Html:
    """Return every why with its status and what it rests on, numbered from the first question."""
    number = 0
    parts = []

    def show(why: Why, depth: int) -> None:
        nonlocal number
        number += 1
        parts.append(_why(why, number, depth))
        for child in why.whys:
            show(child, depth + 1)

    for why in case.whys:
        show(why, 0)
    return Html("".join(parts))


def runs(case: Case) -> Html:
    """Return the runs: counted by purpose, and listed one by one where a reader unfolds them."""
    table = trials_table(case.record.trials)
    counts = table.groupby(["purpose", "verdict"], sort=False).size().reset_index(name="runs")
    short = [tuple(map(str, row)) for row in counts.itertuples(index=False)]
    shown = table.head(MAX_ROWS)
    rows = [
        (
            str(row.run),
            str(row.purpose),
            str(row.change) or "none",
            str(row.verdict),
            str(row.symptom),
        )
        for row in shown.itertuples()
    ]
    rest = len(table) - len(shown)
    more = f"<p>{rest} more runs are in the table of runs.</p>" if rest else ""
    return Html(
        _grid(("purpose", "verdict", "runs"), short)
        + f"<details><summary>All {len(table)} runs</summary>"
        + _grid(("run", "purpose", "change", "verdict", "what showed"), rows)
        + f"{more}</details>"
        + _correlated(case.correlated())
    )


def provenance(case: Case) -> Html:
    """Return where the figures come from, and the commands that make them again."""
    commands = "\n".join(escape(command) for command in case.commands())
    return Html(
        f"{_pairs(case.provenance())}<p>To repeat it, with --jwt-key, --token-command or --secret "
        f"where the session has secrets:</p><pre><code>{commands}</code></pre>"
    )


def _correlated(rows: Rows) -> str:
    if not rows:
        return ""
    values = "1 value" if len(rows) == 1 else f"{len(rows)} values"
    return (
        f"<details><summary>{values} of the server's own, sent back in each run</summary>"
        + _grid(("what was sent", "from what the server said"), rows)
        + "</details>"
    )


def _why(why: Why, number: int, depth: int) -> str:
    badge = (
        f'<span class="badge {why.status}" style="background:{COLOURS[why.status]};color:white;'
        f'padding:1px 9px;border-radius:9px">{why.status}</span>'
    )
    to_answer = (
        f'<p class="to-answer">To answer it: {escape(why.to_answer)}.</p>' if why.to_answer else ""
    )
    proof = "".join(f"<li>{_evidence(each)}</li>" for each in why.evidence)
    return (
        f'<section class="why" style="margin-left:{min(depth, 5) * 16}px">'
        f"<h3>{number}. {escape(why.question)} {badge}</h3><p>{escape(why.answer)}</p>{to_answer}"
        + (f"<ul>{proof}</ul>" if proof else "")
        + "</section>"
    )


def _evidence(evidence: Evidence) -> str:
    numbers = f", runs {_numbers(evidence.runs)}" if evidence.runs else ""
    records = "1 record" if evidence.count == 1 else f"{evidence.count} records"
    return (
        f"{escape(evidence.shows)} <small>({records}, {escape(evidence.file)}"
        f'{numbers}, sha256 <code title="{evidence.sha256}">{evidence.sha256[:12]}</code>)</small>'
    )


def _numbers(runs: Sequence[int]) -> str:
    shown = ", ".join(str(number) for number in runs[:MAX_RUNS])
    return shown if len(runs) <= MAX_RUNS else f"{shown}, … {runs[-1]}"


def _pairs(rows: Rows) -> str:
    body = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows
    )
    return f'<table class="pairs"><tbody>{body}</tbody></table>'


def _grid(names: Iterable[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f'<table class="grid"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
