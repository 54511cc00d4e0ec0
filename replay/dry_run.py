"""What a replay would send and when. No socket is opened, no secret read, no token asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from capture.format.model import Secret
from capture.redaction import PLACEHOLDER, Redactor
from replay.auth import TokenSource
from replay.auth.sources import how_to_give
from replay.engine.forecast import check_plan, forecast
from replay.errors import LimitExceeded
from replay.limits import Limits
from replay.perturbations import Perturbation, perturbed
from replay.plan import Action, End, Kind, Open, Pace, Plan, Send, Step
from replay.target import Target

SHOWN_CHARACTERS = 4096


@dataclass(frozen=True, slots=True)
class Filling:
    """A placeholder, and what its fresh secret would come from."""

    secret: Secret
    origin: str

    def __str__(self) -> str:
        return f"{self.secret.id}: {self.origin}"


@dataclass(frozen=True, slots=True)
class DryStep:
    """One step of a dry run. `at_ns` is None for a step that would not be taken."""

    step: Step
    at_ns: int | None
    is_estimate: bool
    what: str
    size_bytes: int
    text: str
    edits: tuple[str, ...]
    fillings: tuple[Filling, ...]

    @property
    def follows(self) -> str:
        """The event that the step waits for and the time after it; empty where a clock decides."""
        gap_ms = (self.step.gap_ns + self.step.late_ns) / 1e6
        return f"after {self.step.after} + {gap_ms:.1f} ms" if self.is_estimate else ""

    def line(self, width: int) -> str:
        """Return the step in one line of at most `width` characters."""
        when = "never" if self.at_ns is None else f"{self.at_ns / 1e6:.1f} ms"
        when = f"~{when}" if self.is_estimate and self.at_ns is not None else when
        size = f"{self.size_bytes} B" if self.size_bytes else ""
        parts = [
            f"{when:>12}  {self.step.connection} step {self.step.index}  {self.what:<11} {size:>8}",
            self.follows,
            f"[{', '.join(self.edits)}]" if self.edits else "",
            "; ".join(map(str, self.fillings)),
            self.text,
        ]
        line = "  ".join(part for part in parts if part).rstrip()
        return line if len(line) <= width else line[: width - 1] + "…"

    def to_json(self) -> dict[str, Any]:
        """Return the step as one object; times in milliseconds."""
        return {
            "event": "step",
            "connection": self.step.connection,
            "step": self.step.index,
            "kind": self.what,
            "at_ms": None if self.at_ns is None else self.at_ns / 1e6,
            "is_estimate": self.is_estimate,
            "after": str(self.step.after),
            "gap_ms": self.step.gap_ns / 1e6,
            "late_ms": self.step.late_ns / 1e6,
            "bytes": self.size_bytes,
            "text": self.text,
            "edits": list(self.edits),
            "secrets": [
                {"id": each.secret.id, "kind": each.secret.kind, "from": each.origin}
                for each in self.fillings
            ],
        }


@dataclass(frozen=True, slots=True)
class DryRun:
    """A plan with its edits, where it would go, and what would fill its placeholders.

    Without a target the recorded addresses are shown. `forbidden` says why the target may not be
    sent to.
    """

    plan: Plan
    edits: tuple[Perturbation, ...]
    target: Target | None
    limits: Limits
    tokens: TokenSource
    forbidden: str = ""

    @property
    def shown_target(self) -> str:
        """The target as it may be written down."""
        return "no target yet" if self.target is None else self.target.shown

    def perturbed(self) -> Plan:
        """Return the plan that would be carried out. Raises PlanError."""
        return perturbed(self.plan, self.edits)

    def refusal(self) -> str:
        """Return why the plan would not be sent, or nothing."""
        try:
            check_plan(self.perturbed(), self.limits)
        except LimitExceeded as error:
            return str(error)
        return self.forbidden

    def cues(self) -> Iterator[tuple[int, str]]:
        """Yield what is changed beside the connections, and when."""
        for at_ns, cue in forecast(self.perturbed()).cues:
            yield at_ns, str(cue.change)

    def steps(self) -> Iterator[DryStep]:
        """Yield the steps in the order of their times; last, those that would not be taken."""
        plan = self.perturbed()
        expected = forecast(plan)
        changed_by = self._changed_by()
        times = [*expected.taken, *((None, step) for step in expected.dropped)]
        redactor = Redactor()
        for at_ns, step in times:
            text, size = _content(step.action, self.target)
            yield DryStep(
                step=step,
                at_ns=at_ns,
                is_estimate=_is_estimate(step, plan.pace),
                what=_what(step.action),
                size_bytes=size,
                # A recording that kept its secrets shows none here either.
                text=" ".join(redactor.text(text, where="message")[0].split()),
                edits=changed_by.get((step.connection, step.index), ()),
                fillings=tuple(self._fillings(step.action)),
            )

    def to_json(self) -> dict[str, Any]:
        """Return what holds for all the steps."""
        return {
            "event": "dry_run",
            "target": None if self.target is None else self.target.shown,
            "pace": str(self.plan.pace),
            "limits": str(self.limits),
            "refusal": self.refusal(),
            "edits": [edit.to_json() for edit in self.edits],
        }

    def lines(self, width: int) -> Iterator[str]:
        """Yield the dry run as a person reads it."""
        yield f"dry run: nothing is sent ({self.shown_target})"
        yield f"pace {self.plan.pace}; limits: {self.limits}; ~ if the server answers as recorded"
        if refusal := self.refusal():
            yield f"would be refused: {refusal}"
        never = float("inf")
        steps = [
            (never if step.at_ns is None else step.at_ns, step.line(width)) for step in self.steps()
        ]
        changes = [
            (at_ns, f"{f'~{at_ns / 1e6:.1f} ms':>12}  {change}"[:width])
            for at_ns, change in self.cues()
        ]
        for _, line in sorted([*steps, *changes], key=lambda each: each[0]):
            yield line

    def _changed_by(self) -> dict[tuple[str, int], tuple[str, ...]]:
        """Return, by step, the edits that change it."""
        changed: dict[tuple[str, int], tuple[str, ...]] = {}
        plan = self.plan
        for edit in self.edits:
            after = edit.apply(plan)
            before = {(step.connection, step.index): step for step in plan.steps()}
            for step in after.steps():
                key = (step.connection, step.index)
                if before.get(key) != step:
                    changed[key] = (*changed.get(key, ()), edit.name)
            plan = after
        return changed

    def _fillings(self, action: Action) -> Iterator[Filling]:
        ids = dict.fromkeys(match["id"] for match in PLACEHOLDER.finditer(_with_headers(action)))
        for secret_id in ids:
            secret = self.plan.secrets.get(secret_id)
            if secret is None:
                continue
            is_issued = secret_id in self.plan.correlation.issued()
            origin = self.tokens.origin(secret)
            if is_issued and secret_id not in self.tokens.values:
                origin = "what the server issues"
            if origin is None and secret.kind == "cookie":
                origin = "left out"
            yield Filling(secret, origin or f"nothing yet, pass {how_to_give(secret)}")


def _is_estimate(step: Step, pace: Pace) -> bool:
    """Whether the time depends on when the server answers."""
    by_clock = pace is Pace.RECORDED or (pace is Pace.HYBRID and step.index == 0)
    by_clock = by_clock and not step.pinned
    return not by_clock and step.after.kind is not Kind.START


def _what(action: Action) -> str:
    match action:
        case Open():
            return "open"
        case Send(is_text=is_text):
            return "send text" if is_text else "send binary"
        case End(ending=ending):
            return f"end {ending}"


def _content(action: Action, target: Target | None) -> tuple[str, int]:
    """Return what to show of an action, and how many bytes of message it sends."""
    match action:
        case Open(url=url):
            return Redactor().url(url if target is None else target.address(url))[0], 0
        case Send(fragments=fragments, is_text=is_text):
            payload = b"".join(fragment.payload for fragment in fragments)
            shown = payload[:SHOWN_CHARACTERS]
            return (shown.decode("utf-8", "replace") if is_text else shown.hex()), len(payload)
        case End(code=code, reason=reason):
            return " ".join(str(part) for part in (code, reason) if part not in (None, "")), 0


def _with_headers(action: Action) -> str:
    """Return every text of an action in which a placeholder may be."""
    match action:
        case Open(url=url, headers=headers):
            return "\n".join([url, *(value for _, value in headers)])
        case Send(fragments=fragments):
            return b"".join(fragment.payload for fragment in fragments).decode("latin-1")
        case End(reason=reason):
            return reason
