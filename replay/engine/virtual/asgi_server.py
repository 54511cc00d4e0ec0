"""An ASGI application in this process, spoken to by the messages of ASGI alone, which is fast."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from replay.engine.carrier import MessageCarrier
from replay.engine.run_state import RunState
from replay.engine.virtual.direct import DirectRun
from replay.engine.virtual.program_log import ProgramLog
from replay.engine.virtual.uvicorn_server import UvicornServer, running_loop
from replay.plan import Network, Open, Plan, Send, Step

PLAIN = Network()


@dataclass(slots=True)
class AsgiServer(MessageCarrier):
    """Carries runs to the application that `uvicorn` would serve, which starts and ends it.

    A plan that needs bytes (pieces, pongs, a client that does not read) is left to `uvicorn`, and
    every plan where an edge stands between.
    """

    uvicorn: UvicornServer
    is_repeatable: bool = True
    fidelity: str = "asgi"
    _asked: tuple[Plan, bool] | None = None

    @property
    def log(self) -> ProgramLog:
        """What the application logs, whoever carries the run."""
        return self.uvicorn.log

    def carrying(self, plan: Plan) -> AsgiServer | UvicornServer:
        """Return who carries a plan out."""
        # Many runs are of one plan.
        if self._asked is None or self._asked[0] is not plan:
            is_long = _longest(plan) > self.uvicorn.max_message_bytes
            self._asked = (plan, bool(self.uvicorn.edge) or needs_bytes(plan) or is_long)
        return self.uvicorn if self._asked[1] else self

    def serving(self, seed: int) -> AbstractAsyncContextManager[None]:
        """Start the application, and end it with all that it began. Raises ReplayError."""
        return self.uvicorn.serving(seed)

    def run(self, state: RunState) -> DirectRun:
        """Return a run, while the application is up."""
        uvicorn = self.uvicorn
        return DirectRun(
            state, uvicorn.served, running_loop(), uvicorn.latency_ns, uvicorn.notes_after
        )


def needs_bytes(plan: Plan) -> bool:
    """Whether a plan says something of bytes, or of what is around the connections."""
    has_network = any(network != PLAIN for network in plan.network.values())
    return bool(plan.cues) or has_network or any(_is_in_pieces(step) for step in plan.steps())


def _is_in_pieces(step: Step) -> bool:
    """Whether a step is cut, or breaks a rule that the server's protocol would answer."""
    match step.action:
        case Send(fragments=(fragment,), refragmented=None, segments=segments) as action:
            return segments.count > 1 or not (action.is_text is False or _is_text(fragment.payload))
        case Send():
            return True
        case Open(segments=segments):
            return segments.count > 1
    return False


def _is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _longest(plan: Plan) -> int:
    """Return how many bytes the longest message has."""
    actions = [step.action for step in plan.steps()]
    return max(
        (len(action.fragments[0].payload) for action in actions if isinstance(action, Send)),
        default=0,
    )
