"""A failing run and the nearest passing one, put side by side, and where they first part."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from capture.format.model import (
    Capture,
    Direction,
    Frame,
    Side,
    TcpClose,
    UpgradeRequest,
    UpgradeResponse,
)
from capture.messages import messages
from replay.charts import Aligned, Difference
from replay.errors import PlanError
from replay.oracles.shape import Normaliser, describe, shape_of
from replay.oracles.transcript import transcripts
from replay.plan import After, Kind
from replay.planning import plan_from_capture
from replay.tables import (
    CONTROL,
    PASS,
    Trial,
    finding_signatures,
    gap_of,
    moved_edit,
    shows,
    value_ns_of,
)

FAILING, PASSING = "failing", "passing"
SWITCHING_PROTOCOLS = 101


@dataclass(frozen=True, slots=True)
class _Moment:
    """Something the server did: what it was, as a key to compare and as words."""

    key: object
    at_ns: int
    what: str


def contrasted(answer: Mapping[str, Any]) -> tuple[Trial, Trial] | None:
    """Return the passing run nearest to the reported timing and a failing one at it, if any."""
    finding, known = answer["finding"], finding_signatures(answer)
    reported_ns = value_ns_of(moved_edit(finding))
    near, failing = list[tuple[int, Trial]](), list[tuple[int, Trial]]()
    for trial in answer["trials"]:
        gap_ns = gap_of(trial, finding)
        if gap_ns is not None and shows(trial, known):
            failing.append((abs(gap_ns - reported_ns), trial))
        elif gap_ns is not None and trial["verdict"] == PASS:
            near.append((abs(gap_ns - reported_ns), trial))
    controls = [
        (0, trial)
        for trial in answer["trials"]
        if trial["purpose"] == CONTROL and trial["verdict"] == PASS
    ]
    passing = near or controls
    if not failing or not passing:
        return None
    return min(passing, key=_distance)[1], min(failing, key=_distance)[1]


def aligned(label: str, run: Capture, finding: Mapping[str, Any]) -> Aligned:
    """Return a run ready to draw, time 0 at the event that the finding counts from."""
    moved = moved_edit(finding)
    anchor_ns = event_at_ns(run, moved.anchor)
    moved_ns = event_at_ns(run, str(After(Kind.STEP, moved.connection, moved.step)))
    first_ns = run.events[0].at_ns if run.events else 0
    return Aligned(label, run, first_ns if anchor_ns is None else anchor_ns, moved_ns)


def event_at_ns(run: Capture, event: str) -> int | None:
    """Return when an event of a plan (`c1 open`, `c1 TCP connect`) came in a run, if it did."""
    try:
        after = After.parse(event)
    except PlanError:
        return _connected_at_ns(run, event.split()[0])
    mine = run.of_connection(after.connection)
    match after.kind:
        case Kind.START:
            times = [each.at_ns for each in run.events[:1]]
        case Kind.OPEN:
            answers = (each for each in mine if isinstance(each, UpgradeResponse))
            times = [each.at_ns for each in answers if each.status == SWITCHING_PROTOCOLS]
        case Kind.MESSAGE:
            times = _message_at_ns(run, after)
        case Kind.STEP:
            times = [each.at_ns for each in mine if getattr(each, "step", None) == after.index]
        case Kind.CLOSED:
            times = [max((e.at_ns for e in mine if isinstance(e, TcpClose)), default=-1)]
    return next((at_ns for at_ns in times if at_ns >= 0), None)


def first_difference(
    passing: Aligned, failing: Aligned, usual: Sequence[Capture]
) -> Difference | None:
    """Return the first thing the server did in one of two runs and not in the other.

    What varies among the `usual` runs, which nobody perturbed, is no difference.
    """
    names = dict.fromkeys((*passing.run.connection_ids(), *failing.run.connection_ids()))
    found = [
        each
        for name in names
        for each in _differences(name, passing, failing, _normaliser(name, usual))
    ]
    origins = {each.label: each.anchor_ns for each in (passing, failing)}
    return min(found, key=lambda each: each.at_ns - origins[each.label], default=None)


def _differences(
    name: str, passing: Aligned, failing: Aligned, normaliser: Normaliser
) -> Iterator[Difference]:
    for one, other, verb in (
        (failing, passing, "only in the failing run"),
        (passing, failing, "missing from the failing run"),
    ):
        known = Counter(moment.key for moment in _moments(name, other.run, normaliser))
        for moment in _moments(name, one.run, normaliser):
            known[moment.key] -= 1
            if known[moment.key] < 0:
                yield Difference(one.label, name, moment.at_ns, f"{verb}: {name} {moment.what}")


def _moments(name: str, run: Capture, normaliser: Normaliser) -> list[_Moment]:
    """Return what the server did on a connection; an answer to a goodbye is no act of its own."""
    events = run.of_connection(name)
    moments = []
    for event in events:
        if isinstance(event, UpgradeResponse):
            what = f"handshake answered {event.status} {event.reason}".rstrip()
            moments.append(_Moment(event.status, event.at_ns, what))
    for message in messages(events):
        if message.direction is Direction.SERVER_TO_CLIENT:
            template = normaliser.template(shape_of(message))
            moments.append(_Moment(template, message.at_ns, describe(template)))
    transcript = transcripts(run).get(name)
    if transcript is not None and transcript.ending.first is Side.SERVER:
        ends = (each.at_ns for each in events if _is_end(each))
        code = transcript.ending.server_code
        moments += [_Moment(("end", code), at_ns, str(transcript.ending)) for at_ns in [*ends][:1]]
    return sorted(moments, key=lambda moment: moment.at_ns)


def _is_end(event: object) -> bool:
    return isinstance(event, TcpClose) or (isinstance(event, Frame) and event.opcode == "close")


def _normaliser(name: str, usual: Sequence[Capture]) -> Normaliser:
    runs = [transcripts(run).get(name) for run in usual]
    return Normaliser.learned([[r.shape for r in run.replies] for run in runs if run is not None])


def _message_at_ns(run: Capture, after: After) -> list[int]:
    """Return when a message came, counted as a plan counts: the record of a run is a capture."""
    plan = plan_from_capture(run)
    begun = [_connected_at_ns(run, name) for name in run.connection_ids()]
    since_ns = plan.recorded_ns.get(after)
    return [] if since_ns is None else [since_ns + min(ns for ns in begun if ns is not None)]


def _connected_at_ns(run: Capture, connection: str) -> int | None:
    for event in run.of_connection(connection):
        if isinstance(event, UpgradeRequest):
            return event.at_ns if event.connected_at_ns is None else event.connected_at_ns
    return None


def _distance(pair: tuple[int, Trial]) -> int:
    return pair[0]
