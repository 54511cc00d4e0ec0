"""From a hunt to its whys: what the runs support, what they refute, and what they leave open.

Nothing here knows a server. Every figure is counted from the runs, and an answer claims no more
than was measured.
"""

from __future__ import annotations

from evidence.comparison import change_why
from evidence.hunt_record import RUNS, HuntRecord
from evidence.measured import (
    Measured,
    change_words,
    edges_of,
    measured,
    milliseconds,
    window_words,
)
from evidence.server_log import has_log, telling_line
from evidence.whys import Status, Why
from replay.finding import Answer
from replay.hunt_directory import HUNT, RECORDED
from replay.statistics import differs, rate
from replay.tables import FAIL, gap_of, judged_trials

WHAT_USERS_SEE = {
    "refused": "A client that connects is refused",
    "closed": "The server ends a connection that it should keep",
    "log": "The server complains in its log",
    "missing": "A message that the server owes does not come",
    "timeout": "An answer does not come in time",
    "changed": "A message comes with other content than usual",
    "extra": "The server sends more than it should",
    "reordered": "Messages come in another order than usual",
    "cross-talk": "What belongs to one user is said to another",
    "check": "A rule that the server has to keep is broken",
}


def whys_of(record: HuntRecord, comparison: HuntRecord | None = None) -> tuple[Why, ...]:
    """Return the whys of a hunt; `comparison` is one of a changed server."""
    if record.verdict is not Answer.REPRODUCED:
        return (nothing_found_why(record),)
    seen = measured(record)
    time = window_why(record, seen, (change_why(record, seen, comparison),))
    server = server_why(record, seen, (time,))
    return (
        symptom_why(record, seen, (timing_why(record, seen, (server, unseen_why(record, seen))),)),
    )


def symptom_why(record: HuntRecord, seen: Measured, whys: tuple[Why, ...]) -> Why:
    """Say what users see."""
    symptom = record.finding["symptom"]
    detail = symptom["detail"].removesuffix(".")
    failing = [trial for trial in seen.at_point if seen.is_failing(trial)]
    what = WHAT_USERS_SEE.get(symptom["kind"], "Something else than usual happens")
    return Why(
        question="What do users see?",
        answer=f"{what}. {detail}. This is so in {seen.rate} at the reported timing.",
        status=Status.SUPPORTED if failing else Status.OPEN,
        evidence=(record.cite_runs(failing, f"fail: {symptom['kind']}"),) if failing else (),
        to_answer="" if failing else "hunt again: the table of runs has no failing run",
        whys=whys,
    )


def timing_why(record: HuntRecord, seen: Measured, whys: tuple[Why, ...]) -> Why:
    """Say which change of timing makes it happen, and that chance does not."""
    proven = differs(seen.rate, seen.control)
    recorded = "later or earlier" if seen.recorded_ns is None else milliseconds(seen.recorded_ns)
    as_recorded = f"it came {recorded} after it" if seen.is_gap else "nothing of that happens"
    value = f"With {milliseconds(seen.edit.value_ns)}" if seen.edit.has_value else "Then"
    answer = (
        f"Timing, and nothing else was changed: {change_words(seen)}; in the recording "
        f"{as_recorded}. {value} it fails in {seen.rate}, without any change in {seen.control}. "
    )
    test = "Boschloo's exact test, one-sided, 5 %"
    answer += (
        f"Chance does not explain the difference ({test})."
        if proven
        else f"The difference may be chance ({test})."
    )
    cited = [
        (seen.at_point, f"{seen.rate} with the change"),
        (seen.controls, f"{seen.control} without"),
    ]
    return Why(
        question="What makes it happen?",
        answer=answer,
        status=Status.SUPPORTED if proven else Status.OPEN,
        evidence=tuple(record.cite_runs(trials, shows) for trials, shows in cited if trials),
        to_answer="" if proven else "hunt again with more runs: --rate-runs 40",
        whys=whys,
    )


def server_why(record: HuntRecord, seen: Measured, whys: tuple[Why, ...]) -> Why:
    """Say what the server does in failing runs, from its log."""
    question = "What does the server do then?"
    line = telling_line(record.trials, seen.failing)
    if line is None:
        return _silent_server(question, whys, record)
    told, failing, others = len(line.runs), len(seen.failing), len(line.others)
    proven = differs(rate(told, failing), rate(0, others))
    return Why(
        question,
        f"It logs: {line.line} — in {told} of {failing} failing runs, and in none of {others} "
        "passing ones.",
        Status.SUPPORTED if proven else Status.OPEN,
        (
            record.cite_runs(line.runs, "the line stands in their log"),
            record.cite_runs(line.others, "the line does not stand in their log"),
        ),
        to_answer="" if proven else "hunt again with more runs: --rate-runs 40",
        whys=whys,
    )


def window_why(record: HuntRecord, seen: Measured, whys: tuple[Why, ...]) -> Why:
    """Say why the time matters: how the failure depends on the gap."""
    inside = seen.counted(seen.inside)
    elsewhere = [*seen.outside, *seen.controls]
    outside = seen.counted(elsewhere)
    proven = differs(inside, outside)
    evidence = tuple(
        record.cite_runs(trials, shows)
        for trials, shows in (
            (seen.inside, f"in the window: {inside.failures} of {inside.runs} fail"),
            (elsewhere, f"outside it or unperturbed: {outside.failures} of {outside.runs} fail"),
        )
        if trials
    )
    return Why(
        question="Why does the time matter?",
        answer=" ".join(
            [
                f"Of {inside.runs} runs in the window {inside.failures} fail, of {outside.runs} "
                f"outside it or unperturbed {outside.failures}.",
                *_edge_sentences(seen),
                _state_sentence(seen, certain=inside.failures == inside.runs),
                _other_changes(record),
            ]
        ),
        status=Status.SUPPORTED if proven else Status.OPEN,
        evidence=evidence,
        to_answer="" if proven else "hunt again with more runs: --budget 400 --rate-runs 40",
        whys=whys,
    )


def unseen_why(record: HuntRecord, seen: Measured) -> Why:
    """Say why the recorded session did not show it."""
    question = "Why was it not seen before?"
    if not seen.is_gap:
        is_clean = bool(seen.controls) and not seen.control.failures
        return Why(
            question,
            "In the recording nothing of that happens, and without it unperturbed runs fail in "
            f"{seen.control}.",
            Status.SUPPORTED if is_clean else Status.OPEN,
            (record.cite_runs(seen.controls, f"{seen.control}"),) if seen.controls else (),
            to_answer="" if is_clean else "find out why unperturbed runs fail",
        )
    recorded_ns = seen.recorded_ns
    distance = None if recorded_ns is None else _outside_by(recorded_ns, seen)
    if recorded_ns is None or distance is None:
        where = "is not known" if recorded_ns is None else "lies in the failing window itself"
        return Why(
            question,
            f"The gap that the recording has there {where}.",
            Status.OPEN,
            to_answer="record a session that shows the failure by itself, and compare the two",
        )
    by_ns, side = distance
    meets = "seldom meets it" if seen.control.failures else "does not meet it"
    return Why(
        question,
        f"In the recording {seen.step} came {milliseconds(recorded_ns)} after {seen.edit.anchor}: "
        f"{milliseconds(by_ns)} {side} the window, {window_words(seen)}. A client with that timing "
        f"{meets}: unperturbed runs fail in {seen.control}.",
        Status.SUPPORTED,
        (
            record.cite(RECORDED, "the recorded gap", len(record.recorded.events)),
            *([record.cite_runs(seen.controls, f"{seen.control}")] if seen.controls else []),
        ),
    )


def nothing_found_why(record: HuntRecord) -> Why:
    """Say plainly that no race was found, what was tried, and what would tell more."""
    answer = record.answer
    swept = [trial for trial in judged_trials(record.trials) if trial["purpose"] == "sweep"]
    failed = sum(trial["verdict"] == FAIL for trial in swept)
    tried, left = answer["swept"]["tried"], answer["swept"]["left"]
    control = rate(answer["control"]["failures"], answer["control"]["runs"])
    reasons = "".join(f" {reason[:1].upper()}{reason[1:]}." for reason in answer["reasons"])
    is_known = record.verdict is not Answer.INCONCLUSIVE
    text = ("Nothing was found." if is_known else "That cannot be told from this hunt.") + reasons
    if tried:
        text += f" {tried} changes of timing were tried, {left} were left."
    for each in answer["swept"].get("exhausted", ()):
        count = f"{each['changes']} changes, {each['failed']} failed"
        text += f" All of this was tried: {each['what']} ({count})."
    if failed:
        text += f" {failed} of these runs failed, and that did not hold up when it was repeated."
    text += f" There were {answer['runs']} runs. Unperturbed: {control}."
    return Why(
        question="Does a change of timing make the server fail?",
        answer=text,
        status=Status.OPEN,
        evidence=(
            record.cite(HUNT, f"the hunt ended: {record.verdict}", 1),
            *([record.cite(RUNS, "what was tried", len(record.trials))] if record.trials else []),
        ),
        to_answer=_advice(left, is_known=is_known),
    )


def _advice(left: int, *, is_known: bool) -> str:
    if not is_known:
        return "mend what the reasons name, so that unperturbed runs are alike, and hunt again"
    if left:
        return f"{left} changes are untried: raise --budget"
    return "record a session that does more at the same time, and hunt in that"


def _silent_server(question: str, whys: tuple[Why, ...], record: HuntRecord) -> Why:
    advice = "raise the server's log level (what it decides, and on which state), and hunt again"
    if has_log(record.trials):
        answer = "what the server complains of in failing runs it also logs in passing ones."
    elif record.answer.get("reads_log"):
        answer = "the server logged nothing during the hunt."
    else:
        answer = "no line of the server's log was read during the hunt."
        advice = "hunt again with --log FILE, the file that the server logs to"
    return Why(question, f"Not known: {answer}", Status.OPEN, to_answer=advice, whys=whys)


def _edge_sentences(seen: Measured) -> list[str]:
    failed_ns, passed_ns = edges_of(seen)
    if failed_ns is None or not seen.edit.has_value:
        return []
    if passed_ns is None:
        return [f"The longest gap that failed was {milliseconds(failed_ns)}; no longer one passed."]
    return [
        f"The longest gap that failed was {milliseconds(failed_ns)}, the shortest beyond it that "
        f"passed {milliseconds(passed_ns)}."
    ]


def _state_sentence(seen: Measured, *, certain: bool) -> str:
    anchor, high = seen.edit.anchor, milliseconds(seen.high_ns)
    chance = (
        ""
        if certain
        else " Inside the window it is likely, not certain: something else varies too."
    )
    if not seen.edit.has_value:
        return f"What is done has no time that could be varied.{chance}"
    if seen.high_ns is None:
        return f"Where it ends was not found.{chance}"
    if seen.low_ns == 0:
        return (
            f"So {anchor} leaves something unfinished in the server for about {high}, as far as a "
            f"client can measure it; what comes sooner meets it.{chance}"
        )
    return (
        f"So the server is vulnerable between {milliseconds(seen.low_ns)} and {high} after "
        f"{anchor}, as far as a client can measure it.{chance}"
    )


def _other_changes(record: HuntRecord) -> str:
    left = record.answer["swept"]["left"]
    others = [
        trial
        for trial in judged_trials(record.trials)
        if trial["purpose"] == "sweep" and gap_of(trial, record.finding) is None
    ]
    failed = sum(trial["verdict"] == FAIL for trial in others)
    return (
        f"Other changes: {len(others)} tried, {failed} of them failed; "
        f"{left} changes were not tried."
    )


def _outside_by(recorded_ns: int, seen: Measured) -> tuple[int, str] | None:
    if seen.high_ns is not None and recorded_ns > seen.high_ns:
        return recorded_ns - seen.high_ns, "above"
    if seen.low_ns is not None and recorded_ns < seen.low_ns:
        return seen.low_ns - recorded_ns, "below"
    return None
