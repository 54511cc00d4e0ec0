"""What a replay would send and when, without sending it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from replay.plan import End, Ending, Open, Pace, Plan, Send, Step

SHOWN = 60


def dry_run(plan: Plan) -> Iterator[dict[str, Any]]:
    """Yield each step as it would be taken, in the order of its recorded time."""
    for step in sorted(plan.steps(), key=lambda step: (step.recorded_at_ns, step.connection)):
        yield {
            "event": "step",
            "connection": step.connection,
            "step": step.index,
            "when": _when(plan, step),
            "recorded_at_ms": step.recorded_at_ns / 1e6,
            "needs": [str(event) for event in step.needs],
            **_what(step),
        }
    for cue in plan.cues:
        yield {
            "event": "cue",
            "when": f"{cue.gap_ns / 1e6:.1f} ms after {cue.after}",
            "what": str(cue.change),
        }


def line_of(step: dict[str, Any]) -> str:
    """Return a step as a line."""
    if step["event"] == "cue":
        return f"{step['when']:48} {step['what']}"
    needs = f"  (needs {', '.join(step['needs'])})" if step["needs"] else ""
    where = f"{step['connection']} step {step['step']}"
    return f"{step['when']:48} {where:14} {step['what']}{needs}"


def _when(plan: Plan, step: Step) -> str:
    late = f" + {step.late_ns / 1e6:.1f} ms late" if step.late_ns else ""
    by_clock = plan.pace is Pace.RECORDED or (plan.pace is Pace.HYBRID and step.index == 0)
    if by_clock and not step.pinned:
        return f"at {step.recorded_at_ns / 1e6:.1f} ms{late}"
    is_message = isinstance(step.action, Send)
    if plan.pace is Pace.BURST and is_message and not step.pinned:
        return f"as soon as it is legal{late}"
    return f"{step.gap_ns / 1e6:.1f} ms after {step.after}{late}"


def _what(step: Step) -> dict[str, Any]:
    match step.action:
        case Open(url=url, headers=headers):
            return {"kind": "open", "what": f"open {url}", "bytes": 0, "headers": dict(headers)}
        case Send(fragments=fragments, is_text=is_text):
            payload = b"".join(fragment.payload for fragment in fragments)
            shown = payload.decode("utf-8", "replace") if is_text else payload.hex()
            text = shown if len(shown) <= SHOWN else f"{shown[: SHOWN - 1]}…"
            kind = "text" if is_text else "binary"
            return {"kind": kind, "what": f"send {text}", "bytes": len(payload)}
        case End(ending=ending, code=code):
            how = "wait for the server's end" if ending is Ending.AWAIT else str(ending)
            return {"kind": "end", "what": f"end: {how} {code or ''}".rstrip(), "bytes": 0}
