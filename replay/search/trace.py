"""What an unperturbed run did and when: its events, and the timers of the program if known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from capture.format.model import Capture
from replay.oracles.transcript import transcripts
from replay.plan import After, Kind
from replay.timers import Timer, timers_of


@dataclass(frozen=True, slots=True)
class Trace:
    """When the client's doings happened, in ns since the run began, and when timers end.

    `took_ns` is how long the server took from a step to its last answer before the next. `events`
    are all of them in order, each with what it is called in every run.
    """

    done_ns: Mapping[After, int]
    took_ns: Mapping[After, int]
    timers: Sequence[Timer]
    events: Sequence[tuple[int, str]] = ()

    @classmethod
    def of(cls, run: Capture) -> Trace:
        """Read a run."""
        done_ns, took_ns, timers = {}, {}, timers_of(run)
        events = [(timer.ends_ns, timer.site) for timer in timers]
        for name, talk in transcripts(run).items():
            for step, at_ns in talk.steps_at_ns.items():
                done_ns[After(Kind.STEP, name, step)] = at_ns
            if talk.answered_at_ns is not None:
                done_ns[After(Kind.OPEN, name)] = talk.answered_at_ns
            for reply in talk.replies:
                own = After(Kind.STEP, name, reply.step)
                took_ns[own] = reply.latency_ns
                events.append((done_ns.get(own, 0) + reply.latency_ns, f"{name} {reply.kind}"))
        events += [(at_ns, str(event)) for event, at_ns in done_ns.items()]
        return cls(done_ns, took_ns, timers, sorted(events))


NO_TRACE = Trace({}, {}, ())
