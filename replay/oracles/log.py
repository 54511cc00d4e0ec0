"""Looks for complaints in the server's log that unperturbed runs do not make."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from replay.oracles.varying import without_varying
from replay.oracles.verdict import Judgement, Symptom, SymptomKind, judged

MOST_COMPLAINTS, LONGEST = 6, 300
_COMPLAINT = re.compile(
    r"(?i:\b(?:error|exception|traceback|critical|fatal|panic|failed|unhandled|segfault)\b)"
    r"|\w(?:Error|Exception)\b"
)
# Where Python tells of an exception; the first line that is not indented further says which.
_TRACEBACK = re.compile(r"^(?P<margin>[\s|+-]*)Traceback \(most recent call last\):")
_OF_A_GROUP = re.compile(r"[\s|+-]*Exception ?Group(?: Traceback|:)")
_NAMED = re.compile(r"[A-Za-z_][\w.]*(?:: .*)?$")
# The line of a traceback that says where; what is indented more after it is the source.
_PLACE = re.compile(r"(\s*)File \"[^\"]+\", line \d+, in ")
# What is said of a service that does not answer, and the frame of a traceback that says so; what
# uvicorn (0.54) says of every handshake that is refused with a body.
_SAYS_AWAY = re.compile(
    r"(?i:time[d-]? ?out|(?<![.\w])connection (?:to \S+ )?(?:refused|reset|error|closed|lost)"
    r"|handler is closed|unavailable|unreachable|retrying|reconnect|not ready|no answer|\b503\b"
    r"|without completing handshake)"
    r"|\bConnect\w*(?:Error|Exception)\b|\bOSError\b|\bBrokenPipe|Timeout\w*\b"
    r"|^[\s|+-]*Traceback \(most recent call last\):|exception was the direct cause"
    r"|During handling of the above exception"
)
# The line that says what was raised, as Node and Java print it, and Python without a traceback.
_RAISED = re.compile(r"(?:^|[\s|])((?:[\w.]*\.)?\w*(?:Error|Exception)\b: .+)")


@dataclass(frozen=True, slots=True)
class LogBaseline:
    """The complaints that unperturbed runs make."""

    usual: frozenset[str]

    @classmethod
    def learned(cls, runs: Iterable[Sequence[str]]) -> LogBaseline:
        """Learn from the log lines of unperturbed runs."""
        return cls(
            frozenset(
                without_varying(line)
                for lines in runs
                for line in (*complaints(lines), *_told_by_tracebacks(lines))
            )
        )

    def judge(self, lines: Sequence[str], *, is_cut_off: bool = False) -> Judgement:
        """Return fail with the new complaints, the most telling first, or pass.

        A server that `is_cut_off` from a service that it needs may say that this is away.
        """
        new, told = (
            [
                line
                for line in found
                if without_varying(line) not in self.usual
                and not (is_cut_off and _SAYS_AWAY.search(line))
            ]
            for found in (complaints(lines), list(_told_by_tracebacks(lines)))
        )
        if not new:
            return judged(())
        raised = told or [match[1].strip() for line in new if (match := _RAISED.search(line))]
        # Whatever was raised, the heading of its traceback is the same.
        headings = _headings(lines) if raised else frozenset()
        plain = [
            line
            for line in new
            if not (_RAISED.search(line) or _begins_traceback(line) or line in headings)
        ]
        symptoms: dict[tuple[str, ...], Symptom] = {}
        for line in [*raised[-1:], *plain, *raised[:-1]] or new[:1]:
            symptom = Symptom(SymptomKind.LOG, line.strip()[:LONGEST])
            symptoms.setdefault(symptom.signature, symptom)
        return judged(list(symptoms.values())[:MOST_COMPLAINTS])


def complaints(lines: Iterable[str]) -> list[str]:
    """Return the lines that complain of something; the source in a traceback of Python does not."""
    complaining, place = [], None
    for line in lines:
        is_source = place is not None and line.startswith(f"{place[1]}  ")
        if not is_source and _COMPLAINT.search(line):
            complaining.append(line)
        place = _PLACE.match(line)
    return complaining


def _begins_traceback(line: str) -> bool:
    return any(frame.match(line) for frame in (_TRACEBACK, _OF_A_GROUP))


def _headings(lines: Sequence[str]) -> frozenset[str]:
    """Return the lines that a traceback comes right after."""
    return frozenset(line for line, then in pairwise(lines) if _begins_traceback(then))


def _told_by_tracebacks(lines: Iterable[str]) -> Iterator[str]:
    """Yield what was raised, whatever it is called: a line for each traceback."""
    margin: str | None = None
    for line in lines:
        if match := _TRACEBACK.match(line):
            margin = match["margin"]
        elif margin is not None and line.startswith(margin):
            rest = line[len(margin) :]
            if not rest.startswith((" ", "|")) and _NAMED.match(rest):
                yield rest.strip()
                margin = None
        elif line.strip():
            margin = None


def pattern_of(line: str) -> str:
    """Return a regular expression for a complaint, whatever its times, ids and numbers are."""
    parts = [re.escape(part).replace("\\ ", " ") for part in without_varying(line).split("#")]
    return ".*".join(parts).removeprefix(".*").strip()
