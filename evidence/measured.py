"""What the runs of a hunt show of its finding, counted anew from the table of runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from evidence.hunt_record import HuntRecord
from replay.perturbations import Gap, Perturbation, from_json
from replay.perturbations.words import in_words
from replay.plan import Open, Plan, Send
from replay.statistics import Rate
from replay.tables import (
    CONTROL,
    FAIL,
    PASS,
    Trial,
    finding_signatures,
    gap_of,
    judged_trials,
    moved_edit,
    rate_of,
    recorded_gap_ns,
    shows,
    value_ns_of,
)

MAX_TEXT = 70


@dataclass(frozen=True, slots=True)
class Measured:
    """The judged runs of a finding: at the reported timing, in its window, outside, unperturbed.

    `failing` are all runs that show it, wherever.
    """

    edit: Perturbation
    others: Sequence[Perturbation]
    step: str
    low_ns: int | None
    high_ns: int | None
    recorded_ns: int | None
    at_point: Sequence[Trial]
    inside: Sequence[Trial]
    outside: Sequence[Trial]
    controls: Sequence[Trial]
    failing: Sequence[Trial]
    is_failing: Callable[[Trial], bool]

    @property
    def is_gap(self) -> bool:
        """Whether a step comes at another time, and nothing else is done."""
        return isinstance(self.edit, Gap) and not self.others

    @property
    def rate(self) -> Rate:
        """How often it fails at the reported timing."""
        return self.counted(self.at_point)

    @property
    def control(self) -> Rate:
        """How often unperturbed runs fail, in whatever way."""
        return rate_of([trial["verdict"] == FAIL for trial in self.controls])

    def counted(self, trials: Sequence[Trial]) -> Rate:
        """Return how many of these runs show the finding."""
        return rate_of([self.is_failing(trial) for trial in trials])


def measured(record: HuntRecord) -> Measured:
    """Count the runs of a hunt that has a finding. Raises DamagedHunt when it has none."""
    finding, trials = record.finding, judged_trials(record.trials)
    known = finding_signatures(record.answer)
    edit, window = moved_edit(finding), finding["window"]
    gaps = [(gap_ns, t) for t in trials if (gap_ns := gap_of(t, finding)) is not None]
    failing = [(gap_ns, t) for gap_ns, t in gaps if shows(t, known)]
    low_ns, high_ns = (_ns(window[name]) for name in ("low_ms", "high_ms"))
    # An edge that was not found lies at the last gap that failed.
    lowest = low_ns if low_ns is not None else min((gap_ns for gap_ns, _ in failing), default=0)
    highest = high_ns if high_ns is not None else max((gap_ns for gap_ns, _ in failing), default=0)
    at_point = [t for gap_ns, t in gaps if gap_ns == value_ns_of(edit)]
    return Measured(
        edit=edit,
        others=[other for other in map(from_json, finding["edits"]) if other != edit],
        step=step_words(record.plan, edit),
        low_ns=low_ns,
        high_ns=high_ns,
        recorded_ns=recorded_gap_ns(record.plan, finding),
        at_point=[t for t in at_point if t["purpose"] == "rate"] or at_point,
        inside=[t for gap_ns, t in gaps if lowest <= gap_ns <= highest],
        outside=[t for gap_ns, t in gaps if not lowest <= gap_ns <= highest],
        controls=[t for t in trials if t["purpose"] == CONTROL],
        failing=[t for _, t in failing],
        is_failing=lambda trial: shows(trial, known),
    )


def edges_of(seen: Measured) -> tuple[int | None, int | None]:
    """Return the largest gap that failed and the smallest above it that passed."""
    failed = [gap for trial in seen.failing if (gap := _value(trial, seen)) is not None]
    top = max(failed, default=None)
    passed = [
        gap
        for trial in seen.outside
        if trial["verdict"] == PASS
        and (gap := _value(trial, seen)) is not None
        and top is not None
        and gap > top
    ]
    return top, min(passed, default=None)


def step_words(plan: Plan, edit: Perturbation) -> str:
    """Return what a step is, for people who do not know the plan."""
    name = f"{edit.connection} step {edit.step}"
    action = plan.step(edit.connection, edit.step).action
    if isinstance(action, Open):
        return f"the opening of {edit.connection} ({name})"
    if isinstance(action, Send):
        payload = b"".join(fragment.payload for fragment in action.fragments)
        if not action.is_text:
            return f"a binary message of {len(payload)} bytes ({name})"
        text = payload.decode("utf-8", "replace")
        cut = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + "…"
        return f"the message {cut} ({name})"
    return f"the client's goodbye ({name})"


def change_words(seen: Measured) -> str:
    """Return what is changed, and within which times it fails, as the end of "when …"."""
    edit = seen.edit
    does = {
        "gap": f"{seen.step} comes",
        "reset": f"{edit.connection} is reset in place of {seen.step},",
        "half_close": f"{edit.connection} is half-closed in place of {seen.step},",
        "early_close": f"{edit.connection} is closed in place of {seen.step},",
        "restart_server": "the server is restarted",
    }.get(edit.name)
    if does is None:
        words = f"this is done: {in_words(edit)}"
        if (seen.low_ns, seen.high_ns) != (None, None):
            low, high = milliseconds(seen.low_ns), milliseconds(seen.high_ns)
            words += f" (with {edit.varied.removesuffix('_ns')} from {low} to {high})"
    else:
        words = f"{does} {window_words(seen)}"
    return "; and ".join([words, *map(in_words, seen.others)])


def window_words(seen: Measured) -> str:
    """Return the failing window as a person reads it."""
    anchor = seen.edit.anchor
    match (seen.low_ns, seen.high_ns):
        case (None, None):
            return f"near {milliseconds(value_ns_of(seen.edit))} after {anchor}"
        case (None, high):
            return f"up to {milliseconds(high)} after {anchor}"
        case (low, None):
            return f"{milliseconds(low)} or more after {anchor}"
        case (0, high):
            return f"within {milliseconds(high)} after {anchor}"
        case (low, high):
            return f"{milliseconds(low)} to {milliseconds(high)} after {anchor}"


def milliseconds(value_ns: int | None) -> str:
    """Return a time with its unit."""
    return "?" if value_ns is None else f"{value_ns / 1e6:.1f} ms"


def _value(trial: Trial, seen: Measured) -> int | None:
    values = [
        edit["gap_ms"] if "gap_ms" in edit else edit.get("by_ms")
        for edit in trial["edits"]
        if edit["connection"] == seen.edit.connection and edit["step"] == seen.edit.step
    ]
    return None if not values or values[0] is None else round(values[0] * 1e6)


def _ns(value_ms: float | None) -> int | None:
    return None if value_ms is None else round(value_ms * 1e6)
