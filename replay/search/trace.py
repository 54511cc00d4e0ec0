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

    `took_ns` is how long the server took from a step to its last answer before the next.
    """

    done_ns: Mapping[After, int]
    took_ns: Mapping[After, int]
    timers: Sequence[Timer]

    @classmethod
    def of(cls, run: Capture) -> Trace:
        """Read a run."""
        done_ns, took_ns = {}, {}
        for name, talk in transcripts(run).items():
            for step, at_ns in talk.steps_at_ns.items():
                done_ns[After(Kind.STEP, name, step)] = at_ns
            if talk.answered_at_ns is not None:
                done_ns[After(Kind.OPEN, name)] = talk.answered_at_ns
            for reply in talk.replies:
                took_ns[After(Kind.STEP, name, reply.step)] = reply.latency_ns
        return cls(done_ns, took_ns, timers_of(run))


NO_TRACE = Trace({}, {}, ())
