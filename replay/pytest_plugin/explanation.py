"""What a person reads when a test fails: which step, what was expected, what came instead."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from replay.oracles.mismatch import Mismatch, mismatches
from replay.oracles.recorded import without_secret_numbers
from replay.oracles.transcript import Reply, Transcript, transcripts
from replay.oracles.verdict import SymptomKind, Verdict
from replay.perturbations import Gap, HandshakeDelay, Perturbation
from replay.perturbations.words import in_words
from replay.plan import Plan, Send
from replay.pytest_plugin.expectation import Standard
from replay.pytest_plugin.replay import JudgedRun, Replay

MOST_MISMATCHES = 3
MOST_FIELDS = 8
MOST_CHARACTERS = 300
NOT_AS_RECORDED = "the server does not do as recorded, even unperturbed"


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """What a person needs to go on: the paths and words of the commands to type.

    `target` is a URL, or the name of an application in this process. `options` are more options of
    `deadheat replay`: the pace, where fresh secrets come from.
    """

    test: str
    capture: str
    target: str
    plan: Path
    options: tuple[str, ...] = ()
    can_record: bool = False


def explanation(replay: Replay, where: Whereabouts) -> str:
    """Return why a test does not pass, over several lines."""
    if replay.normal.problem or replay.departures:
        body = _not_as_recorded(replay, where)
    elif replay.verdict is Verdict.UNKNOWN:
        body = _unknown(replay)
    elif replay.expectation.failing is not None:
        body = _does_not_fail(replay, replay.expectation.failing)
    else:
        body = _fails(replay, where)
    return "\n".join(body)


def edit_in_words(edit: Perturbation, plan: Plan) -> str:
    """Return one change of timing as a person says it."""
    match edit:
        case Gap():
            step = plan.step(edit.connection, edit.step).name
            words = f"{step} comes {_ms(edit.gap_ns)} ms after {edit.after}"
        case HandshakeDelay():
            words = f"{edit.connection} asks for the upgrade {_ms(edit.by_ns)} ms after TCP connect"
        case _:
            return in_words(edit)
    recorded_ns = edit.recorded_ns(plan)
    return words if recorded_ns is None else f"{words} (recorded: {_ms(recorded_ns)} ms)"


def _fails(replay: Replay, where: Whereabouts) -> Iterator[str]:
    shown = replay.failing[0]
    leading = shown.judgement.symptom
    what = f"{leading.kind}: {leading.detail}" if leading else shown.judgement.reason
    yield f"deadheat: {what}"
    yield ""
    yield f"  fails     in {replay.rate}"
    yield from _setting(replay, where)
    more = [s for s in shown.judgement.symptoms[1:] if s.detail not in what]
    yield from (f"  also      {symptom.kind}: {symptom.detail}" for symptom in more[:2])
    if replay.normal.controls:
        yield f"  otherwise {len(replay.normal.controls)} unperturbed runs went as they should"
    yield from _difference(replay, shown)
    yield ""
    yield from _commands(shown, where)


def _setting(replay: Replay, where: Whereabouts) -> Iterator[str]:
    words = [edit_in_words(edit, replay.normal.plan) for edit in replay.edits]
    for label, text in zip(("timing", *[""] * len(words)), words or ["as recorded"], strict=False):
        yield f"  {label:<9} {text}"
    yield f"  capture   {where.capture}"
    yield f"  target    {where.target}"


def _difference(replay: Replay, shown: JudgedRun) -> Iterator[str]:
    """Show what one run says otherwise than it should."""
    if replay.expectation.standard is Standard.NONE:
        return
    seen = transcripts(without_secret_numbers(shown.run))
    expected = _expected(replay)
    for name, transcript in expected.items():
        yield from _handshake(transcript, seen.get(name))
        if name in seen:
            yield from _ending(transcript, seen[name], shown)
    found = mismatches(
        expected,
        seen,
        replay.normal.varying,
        pushes=replay.normal.pushes,
        most=MOST_MISMATCHES,
    )
    # Where the handshake failed, that nothing was said afterwards explains itself.
    for mismatch in found:
        name = mismatch.connection
        if seen[name].status == expected[name].status:
            yield from _mismatch(mismatch, replay.normal.plan)


def _expected(replay: Replay) -> dict[str, Transcript]:
    if replay.expectation.standard is Standard.UNPERTURBED and replay.normal.controls:
        return transcripts(without_secret_numbers(replay.normal.controls[-1]))
    return dict(replay.normal.expected)


def _handshake(expected: Transcript, seen: Transcript | None) -> Iterator[str]:
    if seen is not None and seen.status == expected.status:
        return
    yield ""
    yield f"  {expected.connection} step 0 (open):"
    yield f"    expected  {_answer(expected)}"
    yield f"    came      {_answer(seen)}"


def _answer(transcript: Transcript | None) -> str:
    if transcript is None or transcript.status is None:
        return "no answer to the handshake"
    return _cut(f"{transcript.status} {transcript.refusal}".rstrip())


def _ending(expected: Transcript, seen: Transcript, shown: JudgedRun) -> Iterator[str]:
    closed = any(
        symptom.kind is SymptomKind.CLOSED and symptom.connection == seen.connection
        for symptom in shown.judgement.symptoms
    )
    if closed:
        yield ""
        yield f"  the end of {seen.connection}:"
        yield f"    expected  {expected.ending}"
        yield f"    came      {seen.ending}"


def _mismatch(mismatch: Mismatch, plan: Plan) -> Iterator[str]:
    yield ""
    yield f"  after {_step(plan, mismatch.connection, mismatch.step)}:"
    if mismatch.is_extra:
        yield f"    expected  {_nothing_or(mismatch.expected)}"
        yield f"    came      {_said(mismatch.odd)}"
    else:
        yield f"    expected  {_said(mismatch.odd)}"
        label = "nearest " if mismatch.is_spoken_for or mismatch.seen is None else "came    "
        nothing = "nothing like it came"
        yield f"    {label}  {nothing if mismatch.seen is None else _said(mismatch.seen)}"
        if mismatch.seen is not None and mismatch.is_spoken_for:
            yield f"              which was expected too, after step {mismatch.seen.step}"
    for field in mismatch.differences[:MOST_FIELDS]:
        yield f"      {field.path}"
        yield f"      - {_cut(field.expected)}"
        yield f"      + {_cut(field.seen)}"
    if len(mismatch.differences) > MOST_FIELDS:
        yield f"      and {len(mismatch.differences) - MOST_FIELDS} more fields"


def _nothing_or(reply: Reply | None) -> str:
    return "nothing" if reply is None else f"nothing more; nearest is {_said(reply)}"


def _step(plan: Plan, connection: str, index: int) -> str:
    steps = plan.connections.get(connection, ())
    if index >= len(steps):
        return f"{connection} step {index}"
    step = steps[index]
    if isinstance(step.action, Send) and step.action.is_text:
        sent = b"".join(fragment.payload for fragment in step.action.fragments)
        return f"{connection} step {index} ({_cut(sent.decode('utf-8', 'replace'), 80)})"
    return step.name


def _said(reply: Reply) -> str:
    return _cut(reply.text if reply.shape.skeleton != "binary" else reply.shape.leaves[0][1])


def _not_as_recorded(replay: Replay, where: Whereabouts) -> Iterator[str]:
    yield f"deadheat: {NOT_AS_RECORDED}"
    yield ""
    if replay.normal.problem:
        yield f"  {replay.normal.problem}"
    yield f"  capture   {where.capture}"
    yield f"  target    {where.target}"
    for mismatch in replay.departures[:MOST_MISMATCHES]:
        yield from _mismatch(mismatch, replay.normal.plan)
    left = len(replay.departures) - MOST_MISMATCHES
    if left > 0:
        yield f"  and {left} more messages"
    yield ""
    yield f"  If this is as it should be now: {_how_to_record(where)}"


def _how_to_record(where: Whereabouts) -> str:
    if where.can_record:
        return f"pytest {shlex.quote(where.test)} --deadheat-mode rewrite"
    return "record anew with `deadheat capture proxy`, or let expect='unperturbed' compare less"


def _unknown(replay: Replay) -> Iterator[str]:
    yield f"deadheat: unknown: only {len(replay.known)} of {replay.wanted} runs can be judged"
    yield ""
    reasons = [each.judgement.reason for each in replay.judged if each.verdict is Verdict.UNKNOWN]
    yield from (f"  {reason}" for reason in dict.fromkeys(reasons))


def _does_not_fail(replay: Replay, text: str) -> Iterator[str]:
    what = f"no run shows {text!r}" if text else "no run fails"
    yield f"deadheat: expect says that it fails, but of {len(replay.known)} runs {what}"
    yield ""
    others = [s for each in replay.failing for s in each.judgement.symptoms]
    yield from dict.fromkeys(f"  instead: {symptom.kind}: {symptom.detail}" for symptom in others)
    yield "  If the race is gone, leave expect out: then the test keeps it away."


def _commands(shown: JudgedRun, where: Whereabouts) -> Sequence[str]:
    replay = (
        *("deadheat", "replay", where.capture, "--plan", str(where.plan)),
        *("--target" if "://" in where.target else "--app", where.target),
        *(*where.options, "--out", "run.capture.jsonl"),
    )
    return (
        f"  see it    {shlex.join(('deadheat', 'show', str(shown.path)))}",
        f"  once more {shlex.join(replay)}",
        f"  this test {shlex.join(('pytest', where.test))}",
    )


def _cut(text: str, most: int = MOST_CHARACTERS) -> str:
    line = " ".join(text.split())
    return line if len(line) <= most else f"{line[:most]}… ({len(line)} characters)"


def _ms(value_ns: int) -> str:
    return f"{value_ns / 1e6:.1f}"
